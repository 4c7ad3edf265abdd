// Replays a tape of trades through the whole library: prices are published, a strategy trades on
// them, candles and positions are kept in the database, risk is watched, and at the end the
// database, the events and the tape must agree.
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { config, errors, service } from "../../mod.ts";
import { run } from "./run.ts";
import { tapeSection } from "./settings.ts";

const HELP = `Usage: main.ts [--tape FILE] [--config FILE] [--speed N] [--port N] [--summary json]

  --tape FILE      a tape with the columns trade_id,time_ms,side,price,amount
  --config FILE    a configuration whose settings win over those of config.yaml
  --speed N        N times real time; as fast as it can without it
  --port N         port of /health/live, /health/ready and /metrics; a free one without it
  --summary json   one JSON object on the last line of standard output; logs go to standard error
`;

const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

async function main(): Promise<number> {
  const { values: given } = parseArgs({
    options: {
      tape: { type: "string", default: beside("trades.csv") },
      config: { type: "string" },
      speed: { type: "string" },
      port: { type: "string" },
      summary: { type: "string", default: "text" },
      help: { type: "boolean", default: false },
    },
  });
  if (given.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const speed = given.speed === undefined ? Infinity : Number(given.speed);
  if (!(speed > 0)) throw new TypeError("--speed must be a number above 0");
  if (given.summary !== "text" && given.summary !== "json") {
    throw new TypeError("--summary must be 'json' or 'text'");
  }
  const json = given.summary === "json";
  const { cqi, tape } = await config.load({
    extend: { tape: tapeSection },
    sources: [
      config.yaml(beside("config.yaml")),
      ...given.config === undefined ? [] : [config.yaml(given.config)],
      config.env({ prefix: "CQI" }),
      config.values({
        ...given.port === undefined ? {} : { server: { http_port: Number(given.port) } },
        ...json ? { log: { output: "stderr" } } : {},
      }),
    ],
  });
  await using app = await service.open(cqi, { uses: ["bus", "cache", "database"] });
  return await run(app, tape, {
    tapePath: given.tape,
    migrations: beside("migrations"),
    speed,
    print: (summary, text) =>
      process.stdout.write(json ? `${JSON.stringify(summary)}\n` : `\n${text}\n`),
    progress: process.stderr.isTTY && !json
      ? (line) => process.stderr.write(`\r${line}`)
      : undefined,
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${errors.messageOf(error)}\n`);
  process.exitCode = 2;
}
