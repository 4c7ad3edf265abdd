import { interpolate, type Lookup } from "../interpolate.ts";
import { looseValue } from "../plain_scalar.ts";
import type {
  ConfigNode,
  ConfigProblem,
  ConfigScalar,
  ConfigSource,
  SourceContent,
  SourceContext,
} from "../source.ts";
import { readYaml } from "./_yaml_tree.ts";

/** How a YAML file is read. */
export interface YamlOptions {
  /** True when the file may be absent. @default {false} */
  readonly optional?: boolean;
  /**
   * Folders from which `${file:path}` may read, besides the file's own folder.
   *
   * @default {/run/secrets and /var/run/secrets}
   */
  readonly secretFolders?: readonly string[];
}

/** How a YAML text is read. */
export interface YamlTextOptions {
  /** For messages. @default {"yaml"} */
  readonly name?: string;
}

/** Largest configuration file, and largest secret file, in bytes. */
const MAX_FILE_BYTES = 1 << 20;
const MAX_SECRET_BYTES = 1 << 16;
/** Most characters that references may put into one source. */
const MAX_INSERTED = 4 << 20;
// Where Docker and Kubernetes mount secrets.
const SECRET_FOLDERS: readonly string[] = ["/run/secrets", "/var/run/secrets"];
const ENVIRONMENT_REGEXP = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * A YAML file, or a JSON file, since JSON is YAML. At most 1 MiB and 64 levels; YAML 1.2 with the
 * core schema, so `no` is text and `0o17` is no number. `${NAME}`, `${NAME:-default}` and
 * `${file:path}` in values are replaced, `$${` stands for `${`.
 *
 * @param path The file; `{environment}` in it is replaced, and makes it the file of one environment.
 * @param options Whether it may be absent, and where secret files may lie.
 *
 * @example
 * ```ts
 * import { load, values, yaml } from "@cq/cqi/config";
 * import assert from "node:assert/strict";
 *
 * const { cqi } = await load({
 *   sources: [
 *     values({ service: { name: "tape", version: "1.0.0", environment: "test" } }),
 *     yaml("./no-such-config.yaml", { optional: true }),
 *   ],
 * });
 * assert.equal(cqi.service?.name, "tape");
 * ```
 */
export function yaml(path: string, options: YamlOptions = {}): ConfigSource {
  const profile = path.includes("{environment}");
  return {
    name: nameOf(path),
    profile,
    read: (context) => readFile(path, profile, options, context),
  };
}

/**
 * Settings from YAML text that the program has already, for where there is no file system.
 *
 * @param text YAML 1.2 or JSON.
 * @param options Its name in messages.
 *
 * @example
 * ```ts
 * import { load, yamlText } from "@cq/cqi/config";
 * import assert from "node:assert/strict";
 *
 * const { cqi } = await load({
 *   sources: [yamlText("service: { name: tape, version: 1.0.0, environment: test }")],
 * });
 * assert.equal(cqi.service?.version, "1.0.0");
 * ```
 */
export function yamlText(text: string, options: YamlTextOptions = {}): ConfigSource {
  const name = options.name ?? "yaml";
  return {
    name,
    read: async (context) => {
      if (new TextEncoder().encode(text).length > MAX_FILE_BYTES) {
        return failure(name, `is larger than ${MAX_FILE_BYTES} bytes`);
      }
      return await parse(text, name, ".", SECRET_FOLDERS, context);
    },
  };
}

function nameOf(path: string): string {
  return path.replace(/^\.\//, "");
}

function failure(source: string, message: string): SourceContent {
  return { problems: [{ path: "", source, message }] };
}

async function readFile(
  path: string,
  profile: boolean,
  options: YamlOptions,
  context: SourceContext,
): Promise<SourceContent> {
  const files = await import("../../internal/runtime/files.ts");
  const environment = context.environment ?? "";
  if (profile && !ENVIRONMENT_REGEXP.test(environment)) {
    return failure(
      nameOf(path),
      "needs an environment of letters, digits, '_' and '-' in its name",
    );
  }
  const actual = path.replaceAll("{environment}", environment);
  const name = nameOf(actual);
  const result = await files.readTextFile(actual, { maxBytes: MAX_FILE_BYTES });
  if (result.kind === "refused") return failure(name, `cannot be used: ${result.reason}`);
  if (result.kind === "missing") {
    return options.optional ? {} : failure(name, "is missing; make it, or mark it optional");
  }
  const folder = files.folderOf(actual);
  const within = [folder, ...(options.secretFolders ?? SECRET_FOLDERS)];
  return await parse(result.text, name, folder, within, context);
}

async function parse(
  text: string,
  name: string,
  folder: string,
  within: readonly string[],
  context: SourceContext,
): Promise<SourceContent> {
  const { tree, problems, plain } = readYaml(text, name);
  if (tree === undefined || problems.length > 0) return { problems };
  const found: ConfigProblem[] = [];
  const filled = await fill(tree, "", {
    lookup: lookupIn(folder, within, context),
    plain,
    problems: found,
    left: MAX_INSERTED,
  });
  return { tree: filled as typeof tree, problems: found };
}

interface Filling {
  readonly lookup: Lookup;
  readonly plain: ReadonlySet<ConfigNode>;
  readonly problems: ConfigProblem[];
  left: number;
}

async function fill(node: ConfigNode, path: string, filling: Filling): Promise<ConfigNode> {
  if (node.kind === "scalar") return await fillScalar(node, path, filling);
  if (node.kind === "list") {
    const items: ConfigNode[] = [];
    for (const [i, item] of node.items.entries()) {
      items.push(await fill(item, `${path}[${i}]`, filling));
    }
    return { ...node, items };
  }
  const entries = new Map<string, ConfigNode>();
  for (const [key, child] of node.entries) {
    entries.set(key, await fill(child, path === "" ? key : `${path}.${key}`, filling));
  }
  return { ...node, entries };
}

async function fillScalar(node: ConfigScalar, path: string, filling: Filling): Promise<ConfigNode> {
  if (typeof node.value !== "string") return node;
  const refuse = (message: string): ConfigNode => {
    filling.problems.push({ path, source: node.at, message });
    return node;
  };
  const filled = await interpolate(node.text, filling.lookup);
  if ("problem" in filled) return refuse(filled.problem);
  if (!filled.changed) return node;
  filling.left -= filled.text.length;
  if (filling.left < 0) return refuse(`puts in more than ${MAX_INSERTED} characters with the rest`);
  const loose = filling.plain.has(node) && !filled.secret;
  return {
    ...node,
    text: filled.text,
    value: loose ? looseValue(filled.text) : filled.text,
    loose,
    secret: filled.secret,
    ...(filled.reference === undefined ? {} : { reference: filled.reference }),
  };
}

function lookupIn(folder: string, within: readonly string[], context: SourceContext): Lookup {
  return {
    variable: (name) => context.variable(name),
    async file(path) {
      const files = await import("../../internal/runtime/files.ts");
      const absolute = files.resolveFrom(folder, path);
      const result = await files.readTextFile(absolute, { maxBytes: MAX_SECRET_BYTES, within });
      if (result.kind === "read") {
        // Editors and `echo` end a file with one newline that is no part of the secret.
        return { text: result.text.replace(/\r?\n$/, ""), path: absolute };
      }
      const reason = result.kind === "missing" ? "it is missing" : result.reason;
      return { problem: `needs the file '${path}', which cannot be used: ${reason}` };
    },
  };
}
