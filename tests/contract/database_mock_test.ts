// The mock knows no SQL: each statement of the suite is asked of PGlite first, what that says is
// scripted, and the suite gets the mock's answer.

import { test } from "node:test";
import assert from "node:assert/strict";
import process from "node:process";
import { create } from "@bufbuild/protobuf";
import { Decoder } from "../../database/_decode.ts";
import { type MockDatabase, mockDatabase } from "../../database/drivers/mock.ts";
import { createDriver as createPglite } from "../../database/drivers/pglite.ts";
import {
  type DatabaseDriver,
  type DatabaseDriverModule,
  type DatabaseFeatures,
  type DriverConnection,
  type DriverResult,
  open,
} from "../../database/mod.ts";
import { isCqiError } from "../../errors/mod.ts";
import { DatabaseConfigSchema } from "../../gen/ts/cqc/config/v1/mod.ts";
import { databaseContract } from "../../testing/database_contract.ts";

/** The mock's own, without those of which PGlite knows no answer. */
const FEATURES: DatabaseFeatures = {
  cancel: false,
  parallel: false,
  cursors: false,
  advisoryLocks: false,
  listen: false,
  copy: false,
};

// What of a server's error a script can say.
const FIELDS = ["message", "constraint", "schema", "table", "column", "position"] as const;
// These the mock answers by itself.
const CONTROL_REGEXP = /^\s*(?:begin|commit|rollback|savepoint|release)\b/;

// All its columns have one name, and nobody reads them.
const SETTINGS_REGEXP = /^select set_config\(\$1, \$2, false\), /;

/** How many answers came out of scripts, and how many no script can say. */
const counts = { scripted: 0, unsayable: 0 };
const decoder = new Decoder();

/** Scripts what the server said; false for an answer that is no row of JavaScript values. */
function script(mock: MockDatabase, text: string, said: Said): boolean {
  const { params, error, result } = said;
  if (error !== undefined) {
    const fields = FIELDS.flatMap((name) => {
      const value = error[name];
      return typeof value === "string" ? [[name, value]] : [];
    });
    mock.expect(text, params).fails(String(error["code"]), Object.fromEntries(fields));
    return true;
  }
  if (CONTROL_REGEXP.test(text)) return true;
  if (SETTINGS_REGEXP.test(text)) {
    mock.expect(text, params);
    return true;
  }
  try {
    const rows = decoder.rows(result!, false);
    mock.expect(text, params).rows(rows).count(result!.count);
    return true;
  } catch (failure) {
    if (!isCqiError(failure, "CQI_DATABASE_ROW_INVALID")) throw failure;
    return false;
  }
}

interface Said {
  readonly params: readonly (string | null)[];
  readonly result?: DriverResult;
  readonly error?: Readonly<Record<string, unknown>>;
}

/** A connection of the mock that is told each answer before it is asked. */
function prompted(
  mock: MockDatabase,
  truth: DriverConnection,
  line: DriverConnection,
): DriverConnection {
  const query: DriverConnection["query"] = async (text, params, options) => {
    let said: Said;
    try {
      said = { params, result: await truth.query(text, params, options) };
    } catch (error) {
      if (truth.broken || options.signal?.aborted) throw error;
      said = { params, error: error as Record<string, unknown> };
    }
    if (!script(mock, text, said)) {
      counts.unsayable++;
      return said.result!;
    }
    counts.scripted++;
    return await line.query(text, params, options);
  };
  return {
    get broken() {
      return truth.broken || line.broken;
    },
    query,
    async script(text, options) {
      await truth.script(text, options);
      mock.expect(text);
      await line.script(text, options);
    },
    async close() {
      await truth.close();
      await line.close();
    },
  };
}

/** The driver `mock`, prompted by PGlite. */
const promptedMock: DatabaseDriverModule = {
  async createDriver(config, env): Promise<DatabaseDriver> {
    const oracle = await createPglite(create(DatabaseConfigSchema), env);
    const mock = mockDatabase();
    const driver = await mock.createDriver(config, env);
    return {
      ...driver,
      features: FEATURES,
      maxConnections: 1,
      settings: oracle.settings!,
      async connect(options) {
        return prompted(mock, await oracle.connect(options), await driver.connect(options));
      },
      async close() {
        await oracle.close();
        await driver.close();
        mock.verify();
      },
    };
  },
};

databaseContract(
  () => open({ driver: "mock" }, { drivers: { mock: () => promptedMock } }),
  FEATURES,
);

test("all answers but two that no script can say came out of the mock's scripts", () => {
  process.stdout.write(`Mock: ${counts.scripted} answers scripted, ${counts.unsayable} not\n`);
  assert(counts.scripted > 1000);
  // Two columns of one name, and a timestamp that is infinite.
  assert.equal(counts.unsayable, 2);
});
