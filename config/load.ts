import type { WaitOptions } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import { type CqiConfig, CqiConfigSchema } from "../gen/ts/cqc/config/v1/mod.ts";
import { refuse } from "../internal/options.ts";
import { decodeMessage } from "./_decode.ts";
import { merge } from "./_merge.ts";
import { Findings, invalidConfig } from "./_problems.ts";
import { readSection, ruleProblems, sectionSlot } from "./_section.ts";
import { type Shape, shapeOf } from "./_shape.ts";
import { mapVariables } from "./_variables.ts";
import { type ConfigReport, reportOf } from "./report.ts";
import type {
  ConfigMap,
  ConfigProblem,
  ConfigSource,
  SourceContent,
  SourceContext,
} from "./source.ts";
import type { SectionOutput, Sections } from "./section_schema.ts";
import { env } from "./sources/env.ts";
import { yaml } from "./sources/yaml.ts";

/** What {@linkcode load} gives: the library's sections, the service's own, and a report. */
export type Settings<S extends Sections = Record<never, never>> =
  & {
    /** The sections of the library, checked against `cqc.config.v1.CqiConfig`. */
    readonly cqi: CqiConfig;
    /** What was set, and where; safe to log. */
    readonly report: ConfigReport;
  }
  & { readonly [K in keyof S]: SectionOutput<S[K]> };

/** How settings are loaded. */
export interface LoadOptions<S extends Sections = Record<never, never>> extends WaitOptions {
  /**
   * Where settings come from, the weakest first.
   *
   * @default {config.yaml and config.{environment}.yaml if they exist, then variables with CQI_}
   */
  readonly sources?: readonly ConfigSource[];
  /** The service's own sections, which stand beside the library's. */
  readonly extend?: S;
  /** The environment, for sources about one. @default {what service.environment says, else development} */
  readonly environment?: string;
  /** Variables for `env` and for `${NAME}`. @default {the environment's} */
  readonly variables?: Readonly<Record<string, string | undefined>>;
}

const SECTION_REGEXP = /^[a-z][a-z0-9_]{0,63}$/;
const RESERVED: readonly string[] = ["cqi", "report"];

/**
 * Loads and checks the whole configuration. Stronger sources win over weaker ones, setting by
 * setting; zero, false and the empty text count as set, null takes a setting back.
 *
 * @param options Sources, and the service's own sections.
 * @throws {CqiError} `CQI_CONFIG_INVALID`, whose message and `details.problems` tell every mistake
 * with the setting and where it was made; no values of texts are shown.
 *
 * @example
 * ```ts
 * import { env, load, values } from "@cq/cqi/config";
 * import assert from "node:assert/strict";
 *
 * const { cqi, report } = await load({
 *   sources: [
 *     values({ service: { name: "tape", version: "1.0.0", environment: "test" } }),
 *     env({ prefix: "CQI" }),
 *   ],
 *   variables: { CQI_LOG_LEVEL: "debug" },
 * });
 * assert.equal(cqi.log?.level, "debug");
 * assert.match(String(report), /^log.level = debug from CQI_LOG_LEVEL$/m);
 * ```
 */
export async function load<S extends Sections = Record<never, never>>(
  options: LoadOptions<S> = {},
): Promise<Settings<S>> {
  const extend: Sections = options.extend ?? {};
  checkSections(extend);
  const reader = await createReader(options);
  const sources = options.sources ?? [
    yaml("./config.yaml", { optional: true }),
    yaml("./config.{environment}.yaml", { optional: true }),
    env(),
  ];
  const contents = new Map<ConfigSource, SourceContent>();
  for (const source of sources.filter((each) => !each.profile)) {
    contents.set(source, await source.read(reader.context(undefined)));
  }
  let environment = options.environment;
  const profiles = sources.filter((each) => each.profile);
  if (profiles.length > 0) {
    environment ??= environmentOf(combine(sources, contents, extend).tree) ?? "development";
    for (const source of profiles) {
      contents.set(source, await source.read(reader.context(environment)));
    }
  }
  const combined = combine(sources, contents, extend);
  const findings = new Findings();
  findings.problems.push(...combined.problems);
  const settings = await build(combined, extend, findings);
  for (const problem of combined.unknown) {
    const isRead = reader.used.has(problem.source) || findings.secretVariables.has(problem.source);
    if (!isRead) findings.problems.push(problem);
  }
  if (profiles.length > 0) checkEnvironment(combined.tree, environment, findings);
  options.signal?.throwIfAborted();
  if (findings.problems.length > 0) throw invalidConfig(findings.problems);
  return { ...settings, report: reportOf(findings, environment) } as unknown as Settings<S>;
}

function checkSections(extend: Sections): void {
  for (const name of Object.keys(extend)) {
    const taken = RESERVED.includes(name) || CqiConfigSchema.fields.some((f) => f.name === name);
    if (taken || !SECTION_REGEXP.test(name)) {
      refuse("extend", name, "sections with names in snake_case that the library does not use");
    }
  }
}

interface Reader {
  readonly used: ReadonlySet<string>;
  context(environment: string | undefined): SourceContext;
}

async function createReader(options: LoadOptions<Sections>): Promise<Reader> {
  const used = new Set<string>();
  const given = options.variables;
  const runtime = await import("../internal/runtime/environment.ts");
  const permitted = <T>(read: () => T, what: string): T => {
    try {
      return read();
    } catch (cause) {
      const message = `Cannot load the configuration: reading ${what} is not permitted`;
      throw new CqiError("CQI_CONFIG_INVALID", message, { cause });
    }
  };
  return {
    used,
    context: (environment) => ({
      environment,
      signal: options.signal,
      variable(name) {
        used.add(name);
        if (given !== undefined) return Object.hasOwn(given, name) ? given[name] : undefined;
        return permitted(() => runtime.readVariable(name), `the environment variable '${name}'`);
      },
      variables() {
        if (given === undefined) {
          return permitted(runtime.readVariables, "the environment variables");
        }
        const set = new Map<string, string>();
        for (const [name, value] of Object.entries(given)) {
          if (value !== undefined) set.set(name, value);
        }
        return set;
      },
    }),
  };
}

interface Combined {
  readonly tree: ConfigMap;
  readonly problems: readonly ConfigProblem[];
  readonly unknown: readonly ConfigProblem[];
  /** What variables begin with, for hints. */
  readonly prefix: string | undefined;
  /** False when a source could not be read at all. */
  readonly complete: boolean;
}

function combine(
  sources: readonly ConfigSource[],
  contents: ReadonlyMap<ConfigSource, SourceContent>,
  extend: Sections,
): Combined {
  const base = shapeOf(CqiConfigSchema);
  let tree: ConfigMap = { kind: "map", entries: new Map(), at: "" };
  const problems: ConfigProblem[] = [];
  const unknown: ConfigProblem[] = [];
  let prefix: string | undefined;
  let complete = true;
  for (const source of sources) {
    const content = contents.get(source);
    problems.push(...content?.problems ?? []);
    complete &&= content?.tree !== undefined || (content?.problems?.length ?? 0) === 0;
    const slots = new Map(base.slots);
    for (const [name, schema] of Object.entries(extend)) {
      slots.set(name, sectionSlot(schema, tree.entries.get(name)));
    }
    const shape: Shape = { ...base, slots };
    if (content?.tree !== undefined) tree = merge(tree, content.tree, shape);
    if (content?.variables === undefined) continue;
    prefix = content.variables.prefix;
    const mapped = mapVariables(content.variables, shape);
    problems.push(...mapped.problems);
    unknown.push(...mapped.unknown);
    tree = merge(tree, mapped.tree, shape);
  }
  return { tree, problems, unknown, prefix, complete };
}

function environmentOf(tree: ConfigMap): string | undefined {
  const service = tree.entries.get("service");
  const node = service?.kind === "map" ? service.entries.get("environment") : undefined;
  return node?.kind === "scalar" ? node.text : undefined;
}

function checkEnvironment(
  tree: ConfigMap,
  environment: string | undefined,
  findings: Findings,
): void {
  const said = environmentOf(tree);
  if (said === undefined || said === environment) return;
  const path = "service.environment";
  const message = "differs from the environment whose files were read";
  findings.problems.push({ path, source: findings.sourceOf(path) ?? "", message });
}

async function build(
  combined: Combined,
  extend: Sections,
  findings: Findings,
): Promise<Record<string, unknown>> {
  const entries = new Map(combined.tree.entries);
  const settings: Record<string, unknown> = {};
  for (const name of Object.keys(extend)) entries.delete(name);
  const message = decodeMessage(CqiConfigSchema, { ...combined.tree, entries }, "", findings);
  for (const { path } of combined.problems) if (path !== "") findings.excuse(path);
  const broken = ruleProblems(CqiConfigSchema, message.message, "", findings, combined.prefix);
  // What a source that could not be read at all has to say is not known, so nothing is missing.
  findings.problems.push(
    ...broken.filter(({ message }) => combined.complete || !message.startsWith("is required")),
  );
  for (const [name, schema] of Object.entries(extend)) {
    settings[name] = await readSection(schema, name, combined.tree.entries.get(name), findings);
  }
  return { ...settings, cqi: message.message };
}
