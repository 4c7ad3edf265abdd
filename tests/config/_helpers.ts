import type { CqiError } from "../../errors/mod.ts";
import {
  type ConfigProblem,
  type ConfigSource,
  load,
  type LoadOptions,
  values,
  yamlText,
} from "../../config/mod.ts";

/** What every configuration needs. */
export const SERVICE = { service: { name: "tape", version: "1.0.0", environment: "test" } };

/** A source of the required settings. */
export const service: ConfigSource = values(SERVICE, { name: "defaults" });

/** A source of YAML text named `config.yaml`. */
export function file(text: string): ConfigSource {
  return yamlText(text, { name: "config.yaml" });
}

/** The mistakes of a load, as `source path: message`; empty when there are none. */
export async function mistakes(options: LoadOptions): Promise<string[]> {
  const problems = await problemsOf(options);
  return problems.map(({ source, path, message }) => `${source} ${path}: ${message}`);
}

/** The mistakes of a load. */
export async function problemsOf(options: LoadOptions): Promise<readonly ConfigProblem[]> {
  try {
    await load({ variables: {}, ...options });
    return [];
  } catch (error) {
    const { code, details } = error as CqiError;
    if (code !== "CQI_CONFIG_INVALID") throw error;
    return details.problems as readonly ConfigProblem[];
  }
}

/** The mistakes of a text on top of the required settings. */
export function mistakesIn(text: string): Promise<string[]> {
  return mistakes({ sources: [service, file(text)] });
}
