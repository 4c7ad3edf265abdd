import { CqiError, type CqiErrorCode, messageOf } from "../errors/mod.ts";

// How Node, Deno and Bun name a package that is not installed.
const MISSING_PACKAGE_REGEXP = /(?:package|module|from) ["']?((?:@[\w.-]+\/)?[\w.-]+)["']?/i;

function isMissing(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND" ||
    /Cannot find (?:package|module)|not (?:found|a dependency)/i.test(
      messageOf(error).slice(0, 500),
    );
}

/**
 * Loads a driver by the name that the configuration gives.
 *
 * @param area What is being opened, for messages, such as `bus`.
 * @param name Name from the configuration.
 * @param table Known drivers, each behind a function that imports it.
 * @param unknownCode Code thrown for a name that is not in the table.
 */
export async function loadDriver<M>(
  area: string,
  name: string,
  table: Readonly<Record<string, () => M | Promise<M>>>,
  unknownCode: CqiErrorCode,
): Promise<M> {
  const load = Object.hasOwn(table, name) ? table[name] : undefined;
  if (load === undefined) {
    const known = Object.keys(table).sort().map((key) => `'${key}'`).join(", ") || "none";
    throw new CqiError(
      unknownCode,
      `Cannot open ${area}: driver '${name.slice(0, 64)}' is not known, known drivers are ${known}`,
      { details: { driver: name, known: Object.keys(table) } },
    );
  }
  try {
    return await load();
  } catch (error) {
    if (!isMissing(error)) throw error;
    const named = MISSING_PACKAGE_REGEXP.exec(messageOf(error).slice(0, 500))?.[1];
    throw new CqiError(
      "CQI_DRIVER_MISSING",
      `Cannot open ${area}: driver '${name}' needs a package that is not installed: ` +
        `add ${named === undefined ? "it" : `'${named}'`} to your dependencies`,
      { cause: error, details: { driver: name, package: named } },
    );
  }
}
