import { create } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decimal,
  duration,
  env,
  fields,
  flag,
  integer,
  list,
  load,
  type LoadOptions,
  number,
  oneOf,
  optional,
  secret,
  size,
  type StandardSchema,
  type StandardSchemaIssue,
  text,
  url,
} from "../../config/mod.ts";
import type { CqiError } from "../../errors/mod.ts";
import { RetryConfigSchema } from "../../gen/ts/cqc/config/v1/mod.ts";
import { file, service } from "./_helpers.ts";

const tape = fields({
  strategy: oneOf(["momentum", "reversion"]),
  cash: decimal({ default: "100000" }),
  barInterval: duration({ default: "1m" }),
  window: integer({ min: 2, max: 500, default: 20 }),
  buffer: size({ default: "1MiB" }),
  dryRun: flag({ default: true }),
  markets: list(text(), { default: [] }),
  source: optional(url()),
  apiKey: optional(secret()),
  fees: fields({ taker: number({ min: 0, max: 1, default: 0.001 }), maker: optional(number()) }),
});

async function loaded(body: string, variables: Readonly<Record<string, string>> = {}) {
  const sources = [service, file(body), env()];
  return await load({ extend: { tape }, sources, variables });
}

async function mistakes(options: LoadOptions<{ tape: typeof tape }>): Promise<string[]> {
  try {
    await load({ variables: {}, ...options });
    return [];
  } catch (error) {
    const problems = (error as CqiError).details.problems as Record<string, string>[];
    return problems.map(({ source, path, message }) => `${source} ${path}: ${message}`);
  }
}

test("fields gives defaults for what is absent, typed by the section", async () => {
  const settings = await loaded("tape: { strategy: momentum }");
  const cash: string = settings.tape.cash;
  const strategy: "momentum" | "reversion" = settings.tape.strategy;
  const taker: number = settings.tape.fees.taker;
  assert.deepEqual([cash, strategy, taker], ["100000", "momentum", 0.001]);
  assert.deepEqual(settings.tape, {
    strategy: "momentum",
    cash: "100000",
    barInterval: 60_000,
    window: 20,
    buffer: 1_048_576,
    dryRun: true,
    markets: [],
    source: undefined,
    apiKey: undefined,
    fees: { taker: 0.001, maker: undefined },
  });
});

test("fields reads each kind from a file as it is written there", async () => {
  const settings = await loaded(`
    tape:
      strategy: reversion
      cash: 250000.50
      bar_interval: 5m
      window: 50
      buffer: 10MiB
      dry_run: false
      markets: [BTC-USD, ETH-USD]
      source: https://venue.example/feed
      api_key: { env: VENUE_KEY }
      fees: { taker: 0.04%, maker: 0 }
  `);
  assert.deepEqual(settings.tape, {
    strategy: "reversion",
    cash: "250000.50",
    barInterval: 300_000,
    window: 50,
    buffer: 10_485_760,
    dryRun: false,
    markets: ["BTC-USD", "ETH-USD"],
    source: "https://venue.example/feed",
    apiKey: { env: "VENUE_KEY" },
    fees: { taker: 0.0004, maker: 0 },
  });
});

test("fields reads each kind from variables too, and they win over the file", async () => {
  const settings = await loaded("tape: { strategy: reversion, cash: 1 }", {
    CQI_TAPE_STRATEGY: "momentum",
    CQI_TAPE_CASH: "2.50",
    CQI_TAPE_BAR_INTERVAL: "1h",
    CQI_TAPE_DRY_RUN: "false",
    CQI_TAPE_MARKETS: "BTC-USD,ETH-USD",
    CQI_TAPE_API_KEY: "canary",
    CQI_TAPE_FEES_TAKER: "0.5",
  });
  assert.equal(settings.tape.strategy, "momentum");
  assert.equal(settings.tape.cash, "2.50");
  assert.equal(settings.tape.barInterval, 3_600_000);
  assert.equal(settings.tape.dryRun, false);
  assert.deepEqual(settings.tape.markets, ["BTC-USD", "ETH-USD"]);
  assert.deepEqual(settings.tape.apiKey, { env: "CQI_TAPE_API_KEY" });
  assert.equal(settings.tape.fees.taker, 0.5);
  assert.doesNotMatch(String(settings.report), /canary/);
  assert.match(String(settings.report), /^tape\.cash = 2\.50 from CQI_TAPE_CASH$/m);
});

test("fields tells all mistakes of the section with those of the library, each with its place, line by line", async () => {
  const found = await mistakes({
    extend: { tape },
    sources: [
      service,
      file([
        "log: { level: loud }",
        "tape:",
        "  stratgy: momentum",
        "  cash: 1e5",
        "  bar_interval: 5 minutes",
        "  fees:",
        "    taker: 2",
        "    api_key: canary",
        "  api_key: canary",
      ].join("\n")),
      env(),
    ],
    variables: { CQI_TAPE_WINDOW: "1", CQI_TAPE_WIDNOW: "3", CQI_TAPE_MARKETS_0: "" },
  });
  assert.deepEqual(found, [
    "config.yaml:1 log.level: must be in list [trace, debug, info, warn, error, fatal, off]",
    "config.yaml:3 tape.stratgy: is no setting; did you mean 'strategy'?",
    "config.yaml:4 tape.cash: must be a decimal such as '100000' or '0.001', without exponent",
    "config.yaml:5 tape.bar_interval: must be a duration with a unit, such as '250ms', '30s' or '1h30m'",
    "config.yaml:7 tape.fees.taker: must be a number or a percentage from 0 to 1",
    "config.yaml:8 tape.fees.api_key: is no setting",
    "config.yaml:9 tape.api_key: must be where the secret lies, such as 'env: NAME', 'file: PATH' " +
    "or '${NAME}'; the secret itself has no place in a configuration",
    "CQI_TAPE_WINDOW tape.window: must be a whole number from 2 to 500",
    "CQI_TAPE_MARKETS_0 tape.markets: must be a list whose member 0 is a text of 1 to 10000 characters",
    "CQI_TAPE_WIDNOW : fits no setting; did you mean 'CQI_TAPE_WINDOW'?",
  ]);
});

test("fields of a section that no source has gives its defaults, or says what is required", async () => {
  const calm = fields({ window: integer({ default: 20 }) });
  const settings = await load({ extend: { calm }, sources: [service] });
  assert.deepEqual(settings.calm, { window: 20 });
  assert.deepEqual(await mistakes({ extend: { tape }, sources: [service] }), [
    " tape.strategy: is required",
  ]);
});

test("fields refuses a section that is no group, and a list or group where a value is due", async () => {
  for (
    const body of [
      "tape: 1",
      "tape: [a]",
      "tape: { strategy: [momentum] }",
      "tape: { strategy: momentum, fees: 1 }",
    ]
  ) {
    const found = await mistakes({ extend: { tape }, sources: [service, file(body)] });
    assert.equal(found.length, 1, `${body}: ${found}`);
    assert.match(found[0]!, /^config\.yaml:1 tape.*: must be/);
  }
});

test("fields can be checked alone, as any Standard Schema", async () => {
  const schema: StandardSchema<unknown, { readonly window: number }> = fields({
    window: integer(),
  });
  assert.deepEqual(await schema["~standard"].validate({ window: 3 }), { value: { window: 3 } });
  const { issues } = await schema["~standard"].validate({ window: 1.5, __proto__: { a: 1 } });
  assert.deepEqual(issues, [{ path: ["window"], message: "must be a whole number" }]);
});

test("fields refuses texts that are near to what is wanted", () => {
  const table: [ReturnType<typeof text | typeof integer | typeof flag>, string[]][] = [
    [integer(), ["", "1.0", "1e3", "0x1", "01", "9007199254740993", " 1"]],
    [number(), ["", "0x1", ".5", "1e999", "NaN", "Infinity", "1,5", "%"]],
    [flag(), ["", "yes", "1", "True", "TRUE"]],
    [duration(), ["", "5", "5 m", "m", "-5m", "1m1m"]],
    [size(), ["", "-1", "1 MiB", "1mib", "1.0001KiB", "9PiB", "99999999999999999"]],
    [decimal(), ["", "1e5", "+1", ".5", "01", "-0", "1,000"]],
    [url(), ["", "venue.example", "/path"]],
    [oneOf(["a", "b"]), ["", "A", "ab", "constructor"]],
  ];
  for (const [kind, texts] of table) {
    for (const each of texts) assert("wanted" in kind.read(each), `${JSON.stringify(each)}`);
  }
});

test("load gives a section described by a message as that message, with the same care", async () => {
  const settings = await load({
    extend: { venue_retry: RetryConfigSchema },
    sources: [service, file("venue_retry: { max_delay: 5s }"), env()],
    variables: { CQI_VENUE_RETRY_MAX_ATTEMPTS: "7" },
  });
  assert.equal(settings.venue_retry.maxAttempts, 7);
  assert.equal(settings.venue_retry.maxDelay?.seconds, 5n);
  await assert.rejects(
    load({
      extend: { venue_retry: RetryConfigSchema },
      sources: [service, file("venue_retry:\n  max_attempts: 0\n  jiter: full")],
    }),
    (error: CqiError) => {
      assert.match(error.message, /config\.yaml:2: venue_retry\.max_attempts must be greater than/);
      assert.match(error.message, /config\.yaml:3: venue_retry\.jiter is no setting; did you mean/);
      return true;
    },
  );
});

// A schema as a library would make it: types are strict, and a message may show the value.
function strict<T extends Record<string, "string" | "number" | "boolean">>(
  shape: T,
): StandardSchema<unknown, Record<string, unknown>> {
  return {
    "~standard": {
      version: 1,
      vendor: "test",
      validate(value) {
        const given = value as Record<string, unknown>;
        const issues: StandardSchemaIssue[] = [];
        for (const [key, type] of Object.entries(shape)) {
          const actual: string = typeof given[key];
          if (actual === type) continue;
          issues.push({ path: [{ key }], message: `Expected ${type}, received ${given[key]}` });
        }
        return issues.length > 0 ? { issues } : { value: { ...given } };
      },
    },
  };
}

test("load gives a foreign schema variables as the type that it wants", async () => {
  const schema = strict({ account: "string", port: "number", enabled: "boolean", zip: "string" });
  const settings = await load({
    extend: { mine: schema },
    sources: [service, file("mine:\n  port: ${PORT}\n  account: ${ACCOUNT}"), env()],
    variables: { PORT: "8080", ACCOUNT: "12345", CQI_MINE_ENABLED: "true", CQI_MINE_ZIP: "00123" },
  });
  assert.deepEqual(settings.mine, { account: "12345", port: 8080, enabled: true, zip: "00123" });
});

test("load waits for a foreign schema that takes time, and gives what it makes", async () => {
  const schema: StandardSchema<unknown, { doubled: number }> = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value) => Promise.resolve({ value: { doubled: (value as { n: number }).n * 2 } }),
    },
  };
  const settings = await load({
    extend: { mine: schema },
    sources: [service, file("mine: { n: 21 }")],
  });
  const doubled: number = settings.mine.doubled;
  assert.equal(doubled, 42);
});

test("load tells what a foreign schema says, with the place, without secrets (C5)", async () => {
  const schema = strict({ port: "number", api_token: "number", list: "number" });
  await assert.rejects(
    load({
      extend: { mine: schema },
      sources: [service, file("mine:\n  port: text\n  api_token: canary-1\n  list: 3")],
      variables: {},
    }),
    (error: CqiError) => {
      assert.match(error.message, /config\.yaml:2: mine\.port Expected number, received text/);
      assert.match(
        error.message,
        /config\.yaml:3: mine\.api_token Expected number, received \[redacted\]/,
      );
      assert.doesNotMatch(error.message + JSON.stringify(error.details), /canary/);
      return true;
    },
  );
});

test("load maps variables of a foreign schema by the names in files, by '__', or as one name", async () => {
  const schema: StandardSchema<unknown, Record<string, unknown>> = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value) => ({ value: value as Record<string, unknown> }),
    },
  };
  const settings = await load({
    extend: { mine: schema },
    sources: [service, file("mine: { fees: { taker_rate: 1 }, tags: [a] }"), env()],
    variables: {
      CQI_MINE_FEES_TAKER_RATE: "2",
      CQI_MINE_TAGS: "b,c",
      CQI_MINE_RISK__MAX_SIZE: "3",
      CQI_MINE_FLAT_NAME: "x",
    },
  });
  assert.equal(
    JSON.stringify(settings.mine),
    '{"fees":{"taker_rate":2},"tags":["b","c"],"flat_name":"x","risk":{"max_size":3}}',
  );
  assert.equal(Object.getPrototypeOf(settings.mine), null);
});

test("load refuses sections whose names the library uses, or that no file would have", async () => {
  for (const name of ["server", "cqi", "report", "Tape", "a-b", "__proto__x", ""]) {
    await assert.rejects(
      load({ extend: { [name]: tape }, sources: [service] }),
      { code: "CQI_OPTION_INVALID" },
      name,
    );
  }
});

test("load gives messages of the contracts that others can take", async () => {
  const { cqi } = await load({ sources: [service, file("retry: { max_attempts: 4 }")] });
  assert.deepEqual(cqi.retry, create(RetryConfigSchema, { maxAttempts: 4 }));
});
