// Replays a tape of trades through the whole library: prices are published, a strategy trades on
// them, candles and positions are kept in the database, risk is watched, and at the end the
// database, the events and the tape must agree.
import process from "node:process";
import { fileURLToPath } from "node:url";
import { config, errors, service } from "../../mod.ts";
import { HELP, readOptions } from "./options.ts";
import { run } from "./run.ts";
import { tapeSection } from "./settings.ts";
import { summaryText } from "./summary.ts";
import { requireTape } from "./tape.ts";

const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

async function main(): Promise<number> {
  const given = readOptions(process.argv.slice(2));
  if (given.help) {
    await print(HELP);
    return 0;
  }
  const { cqi, tape } = await config.load({
    extend: { tape: tapeSection },
    sources: [
      config.yaml(beside("config.yaml")),
      ...given.config === undefined ? [] : [config.yaml(given.config)],
      config.env({ prefix: "CQI" }),
      config.values({
        ...given.port === undefined ? {} : { server: { http_port: given.port } },
        ...given.json ? { log: { output: "stderr" } } : {},
        ...given.state === undefined
          ? {}
          : { database: { pglite: { data_dir: given.state } }, tape: { outbox: true } },
      }),
    ],
  });
  const tapePath = given.tape ?? beside("trades.csv");
  await requireTape(tapePath);
  await using app = await service.open(cqi, { uses: ["bus", "cache", "database"] });
  const { code, summary } = await run(app, tape, {
    tapePath,
    migrations: beside("migrations"),
    speed: given.speed,
    terminal: process.stderr.isTTY && !given.json
      ? (text) => process.stderr.write(text)
      : undefined,
  });
  if (summary === undefined) return code;
  try {
    await print(given.json ? `${JSON.stringify(summary)}\n` : `\n${summaryText(summary)}\n`);
  } catch (error) {
    process.stderr.write(`Cannot write the summary: ${errors.messageOf(error)}\n`);
    return 1;
  }
  return code;
}

/** Writes to standard output; rejects when it takes nothing, as on a full disk. */
function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.on("error", reject);
    process.stdout.write(text, (error) => error ? reject(error) : resolve());
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${errors.messageOf(error)}\n`);
  process.exitCode = 2;
}
