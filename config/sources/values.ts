import {
  type ConfigMap,
  type ConfigNode,
  type ConfigProblem,
  type ConfigSource,
  isForbidden,
  MAX_DEPTH,
  type SourceContent,
} from "../source.ts";

/** How settings from code are read. */
export interface ValuesOptions {
  /** For messages. @default {"values"} */
  readonly name?: string;
}

/** Settings by name, as a file would have them: names in snake_case, durations as text. */
export type ConfigValues = Readonly<Record<string, unknown>>;

/**
 * Settings from code: defaults when it stands first among the sources, overrides when last.
 *
 * @param settings As a file would have them; `undefined` is as if it were not there.
 * @param options Its name in messages.
 *
 * @example
 * ```ts
 * import { load, values } from "@cq/cqi/config";
 * import assert from "node:assert/strict";
 *
 * const { cqi } = await load({
 *   sources: [values({
 *     service: { name: "tape", version: "1.0.0", environment: "test" },
 *     server: { http_port: 0, read_timeout: "10s", max_body_bytes: "2MiB" },
 *   })],
 * });
 * assert.equal(cqi.server?.httpPort, 0);
 * assert.equal(cqi.server?.maxBodyBytes, 2_097_152n);
 * ```
 */
export function values(settings: ConfigValues, options: ValuesOptions = {}): ConfigSource {
  const name = options.name ?? "values";
  return { name, read: () => Promise.resolve(treeOf(settings, name)) };
}

function treeOf(settings: ConfigValues, name: string): SourceContent {
  const problems: ConfigProblem[] = [];
  const node = read(settings, "", 0, { name, problems, open: new Set() });
  return { tree: node?.kind === "map" ? node : undefined, problems };
}

interface Reading {
  readonly name: string;
  readonly problems: ConfigProblem[];
  readonly open: Set<unknown>;
}

function read(
  value: unknown,
  path: string,
  depth: number,
  reading: Reading,
): ConfigNode | undefined {
  const { name: at, problems, open } = reading;
  const refuse = (message: string): undefined => {
    problems.push({ path, source: at, message });
    return undefined;
  };
  switch (typeof value) {
    case "undefined":
      return undefined;
    case "string":
    case "boolean":
    case "number":
    case "bigint":
      return { kind: "scalar", value, text: String(value), at };
    case "object":
      break;
    default:
      return refuse(`must be a text, number, boolean, list or map, got a ${typeof value}`);
  }
  if (value === null) return { kind: "scalar", value, text: "", at };
  if (open.has(value)) return refuse("contains itself");
  if (depth >= MAX_DEPTH) return refuse(`nests more than ${MAX_DEPTH} levels`);
  open.add(value);
  const node = Array.isArray(value)
    ? list(value, path, depth, reading)
    : map(value, path, depth, reading);
  open.delete(value);
  return node;
}

function list(value: unknown[], path: string, depth: number, reading: Reading): ConfigNode {
  const items = value.map((item, i) => read(item, `${path}[${i}]`, depth + 1, reading));
  return { kind: "list", items: items.filter((item) => item !== undefined), at: reading.name };
}

function map(value: object, path: string, depth: number, reading: Reading): ConfigMap {
  const entries = new Map<string, ConfigNode>();
  for (const [key, child] of Object.entries(value)) {
    if (isForbidden(key)) {
      const message = `uses the name '${key}', which is not allowed`;
      reading.problems.push({ path, source: reading.name, message });
      continue;
    }
    // What marks a protobuf message is no setting.
    if (key === "$typeName" || key === "$unknown") continue;
    const node = read(child, path === "" ? key : `${path}.${key}`, depth + 1, reading);
    if (node !== undefined) entries.set(key, node);
  }
  return { kind: "map", entries, at: reading.name };
}
