import { CqiError, type CqiErrorCode, messageOf } from "../errors/mod.ts";

// How Node and Bun ("Cannot find package 'x'"; 'module' from require) and Deno ('Import "x" not a
// dependency') name a package that is not installed. A path or address in its place (a file that
// the driver lacks) does not match: that is the driver's own mistake.
const MISSING_PACKAGE_REGEXP =
  /(?:Cannot find (?:package|module)|npm package|Import) ["']((?:@[\w.-]+\/)?\w[\w.-]*)["'/]/;

/** The package that an import failed for, or undefined when it failed for another reason. */
function missingPackage(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  if (code !== "ERR_MODULE_NOT_FOUND" && code !== "MODULE_NOT_FOUND") return undefined;
  return MISSING_PACKAGE_REGEXP.exec(messageOf(error).slice(0, 500))?.[1];
}

/**
 * Loads a driver by the name that the configuration gives.
 *
 * @param area What is being opened, for messages, such as `bus`.
 * @param name Name from the configuration.
 * @param table Known drivers, each behind a function that imports it.
 * @param unknownCode Code thrown for a name that is not in the table.
 * @throws {CqiError} `unknownCode`, or `CQI_DRIVER_MISSING` when the driver imports a package that
 * is not installed; what else a driver throws while it loads comes through as it is.
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
    const missing = missingPackage(error);
    if (missing === undefined) throw error;
    throw new CqiError(
      "CQI_DRIVER_MISSING",
      `Cannot open ${area}: driver '${name}' needs a package that is not installed: ` +
        `add '${missing}' to your dependencies`,
      { cause: error, details: { driver: name, package: missing } },
    );
  }
}
