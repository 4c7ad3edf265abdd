import { Ajv2020 } from "ajv/dist/2020.js";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { load, type LoadOptions, yamlText } from "../../config/mod.ts";
import type { CqiError } from "../../errors/mod.ts";

const ROOT = new URL("../../", import.meta.url);

/** Names of the committed schemas. */
export type SchemaName = "cqi_config" | "cqi_config_part";

/** A committed schema. */
export function schemaOf(name: SchemaName): Record<string, unknown> {
  const text = readFileSync(new URL(`gen/jsonschema/${name}.json`, ROOT), "utf8");
  return JSON.parse(text) as Record<string, unknown>;
}

/** A checker that is not ours, with both schemas. */
export function checker(): Ajv2020 {
  const ajv = new Ajv2020({
    strict: true,
    // A part of a condition speaks of properties that another part describes.
    strictRequired: false,
    strictTypes: false,
    allErrors: true,
    logger: false,
  });
  ajv.addFormat("date-time", true).addFormat("uri", true);
  for (const name of ["cqi_config", "cqi_config_part"] as const) {
    ajv.addSchema(schemaOf(name), name);
  }
  return ajv;
}

/** What is wrong with a file for the schema; empty when nothing is. */
export function schemaMistakes(ajv: Ajv2020, name: string, text: string): string[] {
  return valueMistakes(ajv, name, parse(text, { version: "1.2", schema: "core" }));
}

/** What is wrong with a value for a schema, or for a definition: `cqi_config#/$defs/name`. */
export function valueMistakes(ajv: Ajv2020, name: string, value: unknown): string[] {
  const check = ajv.getSchema(name);
  if (check === undefined) throw new Error(`Cannot find the schema ${name}`);
  if (check(value)) return [];
  return (check.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

/** What is wrong with a file for the loader; empty when nothing is. */
export async function loaderMistakes(text: string, options: LoadOptions = {}): Promise<string[]> {
  try {
    await load({ variables: {}, sources: [yamlText(text)], ...options });
    return [];
  } catch (error) {
    const { code, details } = error as CqiError;
    if (code !== "CQI_CONFIG_INVALID") throw error;
    return (details.problems as { path: string; message: string }[]).map(({ path, message }) =>
      `${path} ${message}`
    );
  }
}
