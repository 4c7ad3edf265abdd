import { parseArgs } from "node:util";

/** What the command line asks for. */
export interface Options {
  readonly help: boolean;
  /** Path of the tape; undefined is the one beside this file. */
  readonly tape: string | undefined;
  readonly config: string | undefined;
  /** Times real time; Infinity is as fast as it can. */
  readonly speed: number;
  readonly port: number | undefined;
  readonly json: boolean;
  /** Folder of a database that outlives the run; undefined is one in memory. */
  readonly state: string | undefined;
}

/** What `--help` prints. */
export const HELP =
  `Usage: main.ts [--tape FILE] [--config FILE] [--speed N] [--port N] [--state DIR]
               [--summary json]

  --tape FILE      a tape with the columns trade_id,time_ms,side,price,amount
  --config FILE    a configuration whose settings win over those of config.yaml
  --speed N        N times real time; as fast as it can without it
  --port N         port of /health/live, /health/ready and /metrics; a free one without it
  --state DIR      keep the database in DIR and publish by the outbox: a run that was killed goes on
                   where it was
  --summary json   one JSON object on the last line of standard output; logs go to standard error

Exit codes: 0 all agrees, 1 it does not or something failed, 2 not started (options, configuration
or tape), 130 interrupted.
`;

const MAX_PORT = 65_535;

/** Reads the command line. Throws with the name of the option that is wrong. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      tape: { type: "string" },
      config: { type: "string" },
      speed: { type: "string" },
      port: { type: "string" },
      state: { type: "string" },
      summary: { type: "string", default: "text" },
      help: { type: "boolean", default: false },
    },
  });
  const { help, tape, config, state, summary } = values;
  if (summary !== "text" && summary !== "json") {
    throw new TypeError(`--summary is '${summary}', wanted 'json' or 'text'`);
  }
  return {
    help,
    tape,
    config,
    speed: speedOf(values.speed),
    port: portOf(values.port),
    json: summary === "json",
    state,
  };
}

function speedOf(text: string | undefined): number {
  const speed = text === undefined ? Infinity : Number(text);
  if (!(speed > 0)) throw new TypeError(`--speed is '${text}', wanted a number above 0`);
  return speed;
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (!(port <= MAX_PORT)) {
    throw new TypeError(`--port is '${text}', wanted a whole number from 0 to ${MAX_PORT}`);
  }
  return port;
}
