/**
 * Configuration: YAML files, environment variables and values from code, one precedence, checked
 * as a whole against `cqc.config.v1.CqiConfig` and the service's own sections. All mistakes are
 * told at once, with the file and line or the variable that holds them.
 *
 * @example Files, variables, and a section of the service's own
 * ```ts
 * import { decimal, env, fields, load, oneOf, yaml, yamlText } from "@cq/cqi/config";
 * import assert from "node:assert/strict";
 *
 * const tapeSection = fields({
 *   strategy: oneOf(["momentum", "reversion"]),
 *   cash: decimal({ default: "100000" }),
 * });
 *
 * const { cqi, tape } = await load({
 *   extend: { tape: tapeSection },
 *   sources: [
 *     yamlText(`
 *       service: { name: tape, version: 1.0.0, environment: test }
 *       tape: { strategy: momentum }
 *     `, { name: "config.yaml" }),
 *     yaml("./config.{environment}.yaml", { optional: true }),
 *     env({ prefix: "CQI" }),
 *   ],
 *   variables: { CQI_TAPE_CASH: "250000" },
 * });
 * assert.equal(cqi.service?.name, "tape");
 * assert.deepEqual(tape, { strategy: "momentum", cash: "250000" });
 * ```
 *
 * @module
 */
export { load, type LoadOptions, type Settings } from "./load.ts";
export type { SectionOutput, Sections, SectionSchema } from "./section_schema.ts";
export { env, type EnvOptions } from "./sources/env.ts";
export { type ConfigValues, values, type ValuesOptions } from "./sources/values.ts";
export { yaml, type YamlOptions, yamlText, type YamlTextOptions } from "./sources/yaml.ts";
export {
  decimal,
  duration,
  type DurationOptions,
  type Field,
  type FieldOptions,
  type FieldResult,
  flag,
  integer,
  list,
  number,
  oneOf,
  optional,
  type RangeOptions,
  secret,
  type SecretPlace,
  size,
  type SizeOptions,
  text,
  type TextOptions,
  url,
} from "./field.ts";
export { fields, type FieldsOutput, type FieldsSchema, type FieldTable } from "./fields.ts";
export { resolveSecret, type ResolveSecretOptions, type SecretRefInit } from "./secret_ref.ts";
export type { ConfigReport, ReportLine } from "./report.ts";
export { parseSize } from "./size.ts";
export type {
  StandardSchema,
  StandardSchemaIssue,
  StandardSchemaProps,
  StandardSchemaResult,
  StandardSchemaTypes,
} from "../core/mod.ts";

// For those who write sources of their own.
export type {
  ConfigList,
  ConfigMap,
  ConfigNode,
  ConfigProblem,
  ConfigScalar,
  ConfigSource,
  ConfigVariables,
  SecretReference,
  SourceContent,
  SourceContext,
} from "./source.ts";
