/**
 * The database, as `@cq/cqi/database`, with `open` wired for edge workers.
 *
 * @module
 */
import { create, isFieldSet } from "@bufbuild/protobuf";
import * as base from "../../database/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import { DatabaseConfigSchema } from "../../gen/ts/cqc/config/v1/mod.ts";
import { requireSection } from "../../internal/options.ts";
import { DRIVERS } from "./_drivers.ts";

export * from "../../database/mod.ts";

/**
 * `open` of `@cq/cqi/database` for workers. None of the library's databases runs in one, so the
 * section names a driver that is handed in, or `mock`.
 *
 * @param section The section of the configuration, with a driver's name.
 * @param options As there.
 * @throws {CqiError} `CQI_DATABASE_DRIVER_UNKNOWN` for a section that names no driver.
 */
export async function open(
  section: base.DatabaseConfigInit = {},
  options: base.OpenOptions = {},
): Promise<base.Database> {
  const config = create(DatabaseConfigSchema, requireSection("database", section));
  const drivers = { ...DRIVERS.database, ...options.drivers };
  if (isFieldSet(config, DatabaseConfigSchema.field.driver)) {
    return await base.open(config, { ...options, drivers });
  }
  throw new CqiError(
    "CQI_DATABASE_DRIVER_UNKNOWN",
    "Cannot open database: 'driver' is not set, and the default needs a server's runtime; wanted " +
      "the name of a driver that is handed in by option 'drivers', or 'mock'",
    { details: { known: Object.keys(drivers) } },
  );
}
