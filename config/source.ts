/** One value of a configuration, with where it was written. */
export interface ConfigScalar {
  /** Tells it from lists and maps. */
  readonly kind: "scalar";
  /** The value as YAML's core schema reads it; `null` takes back what weaker sources say. */
  readonly value: string | number | bigint | boolean | null;
  /** The value as it was written, after variables were put in. */
  readonly text: string;
  /** Where it stands: `config.yaml:12`, or the name of a variable. */
  readonly at: string;
  /** True when the text came from a variable, so that only the reader knows its type. */
  readonly loose?: boolean;
  /** True when the text came from a secret file, so that it is never shown. */
  readonly secret?: boolean;
  /** Where a secret lies, when the text is one reference and nothing else. */
  readonly reference?: SecretReference;
}

/** Where a secret lies that is written as `${NAME}`, as `${file:path}` or in a variable itself. */
export interface SecretReference {
  /** Name of a variable. */
  readonly env?: string;
  /** Path of a file, absolute. */
  readonly file?: string;
}

/** A list, with where it was written. */
export interface ConfigList {
  /** Tells it from scalars and maps. */
  readonly kind: "list";
  /** Its members. */
  readonly items: readonly ConfigNode[];
  /** Where it begins. */
  readonly at: string;
}

/** Names and values, with where they were written. */
export interface ConfigMap {
  /** Tells it from scalars and lists. */
  readonly kind: "map";
  /** Values by name. A `Map`, so that no name can reach a prototype. */
  readonly entries: ReadonlyMap<string, ConfigNode>;
  /** Where it begins. */
  readonly at: string;
}

/** A part of a configuration as a source gives it, not yet checked. */
export type ConfigNode = ConfigScalar | ConfigList | ConfigMap;

/** One mistake. */
export interface ConfigProblem {
  /** The setting: `database.max_conns`; empty for a source as a whole. */
  readonly path: string;
  /** Where it was set: `config.yaml:12`, `CQI_DATABASE_MAX_CONNS`, or the name of the source. */
  readonly source: string;
  /** What is wrong and what was wanted; never the value of a text. */
  readonly message: string;
}

/** Variables whose names say which setting they are for. */
export interface ConfigVariables {
  /** What each name begins with, such as `CQI_`. */
  readonly prefix: string;
  /** Values by name; names without the prefix are left alone. */
  readonly values: ReadonlyMap<string, string>;
}

/** What a source gives. */
export interface SourceContent {
  /** Settings; undefined when the source has none. */
  readonly tree?: ConfigMap | undefined;
  /** Settings by variable name; mapped to settings by the loader, which knows their names. */
  readonly variables?: ConfigVariables | undefined;
  /** Mistakes found while reading. */
  readonly problems?: readonly ConfigProblem[];
}

/** What a source may ask while it reads. */
export interface SourceContext {
  /** The environment that the service runs in; known to sources with `profile` only. */
  readonly environment: string | undefined;
  /**
   * The value of a variable.
   *
   * @param name Its name.
   */
  variable(name: string): string | undefined;
  /** All variables. */
  variables(): ReadonlyMap<string, string>;
  /** Ends the reading. */
  readonly signal: AbortSignal | undefined;
}

/** Where settings come from. */
export interface ConfigSource {
  /** For messages, such as `config.yaml`. */
  readonly name: string;
  /** True when the source is about one environment; it is read when the others say which. */
  readonly profile?: boolean;
  /**
   * Reads the settings. Called once for each load. What is wrong with the content is returned,
   * so that all mistakes are told at once; what is thrown ends the load.
   *
   * @param context Environment and variables.
   */
  read(context: SourceContext): Promise<SourceContent>;
}

/** Most levels that settings are nested. */
export const MAX_DEPTH = 64;

const FORBIDDEN_KEYS: readonly string[] = ["__proto__", "constructor", "prototype"];

/** Whether a name could reach a prototype once settings are plain objects. */
export function isForbidden(key: string): boolean {
  return FORBIDDEN_KEYS.includes(key);
}
