import assert from "node:assert/strict";
import { test } from "node:test";
import { env, load, values } from "../../config/mod.ts";
import type { CqiConfig } from "../../gen/ts/cqc/config/v1/mod.ts";
import { file, mistakes, service } from "./_helpers.ts";

async function loaded(variables: Readonly<Record<string, string>>): Promise<CqiConfig> {
  return (await load({ sources: [service, env()], variables })).cqi;
}

function wrong(variables: Readonly<Record<string, string>>): Promise<string[]> {
  return mistakes({ sources: [service, env()], variables });
}

test("env alone configures a service: nested, list, map, duration, size, ratio, flag", async () => {
  const { cqi } = await load({
    sources: [env({ prefix: "CQPM" })],
    variables: {
      CQPM_SERVICE_NAME: "cqpm",
      CQPM_SERVICE_VERSION: "1.4.2",
      CQPM_SERVICE_ENVIRONMENT: "test",
      CQPM_DATABASE_POSTGRES_HOST: "db.internal",
      CQPM_DATABASE_POSTGRES_READ_REPLICAS: "a:1, b:2",
      CQPM_DATABASE_QUERY_TIMEOUT: "1m30s",
      CQPM_LOG_REDACT_KEYS_0: "passport",
      CQPM_LOG_REDACT_KEYS_1: "a,b",
      CQPM_LOG_LEVELS: "bus=debug,cache=warn",
      CQPM_METRICS_LABELS_REGION: "eu-west-1",
      CQPM_SERVER_MAX_BODY_BYTES: "10MiB",
      CQPM_TRACING_SAMPLE_RATIO: "0",
      CQPM_TRACING_ENABLED: "false",
      CQPM_EVENT_BUS_KAFKA_BROKERS: "k-0:9092,k-1:9092",
      CQPM_METRICS_OPTIONS_BUCKETS__WIDTH: "5",
      OTHER: "left alone",
      CQPMX: "left alone",
    },
  });
  assert.equal(cqi.service?.name, "cqpm");
  assert.equal(cqi.database?.postgres?.host, "db.internal");
  assert.deepEqual(cqi.database?.postgres?.readReplicas, ["a:1", "b:2"]);
  assert.equal(cqi.database?.queryTimeout?.seconds, 90n);
  assert.deepEqual(cqi.log?.redactKeys, ["passport", "a,b"]);
  assert.deepEqual({ ...cqi.log?.levels }, { bus: "debug", cache: "warn" });
  assert.deepEqual({ ...cqi.metrics?.labels }, { region: "eu-west-1" });
  assert.equal(cqi.server?.maxBodyBytes, 10_485_760n);
  assert(Object.hasOwn(cqi.tracing!, "sampleRatio") && cqi.tracing?.sampleRatio === 0);
  assert(Object.hasOwn(cqi.tracing!, "enabled") && cqi.tracing?.enabled === false);
  assert.deepEqual(cqi.eventBus?.kafka?.brokers, ["k-0:9092", "k-1:9092"]);
  assert.equal(JSON.stringify(cqi.metrics?.options), '{"buckets":{"width":5}}');
});

test("env sets members of a list of groups by number, at any depth", async () => {
  const cqi = await loaded({
    CQI_EVENT_BUS_TOPICS_0_NAME: "prices",
    CQI_EVENT_BUS_TOPICS_0_PARTITIONS: "12",
    CQI_EVENT_BUS_TOPICS_1_NAME: "orders",
    CQI_AUTH_ADDITIONAL_JWT_0_ISSUER: "https://id.example",
    CQI_AUTH_ADDITIONAL_JWT_0_AUDIENCES_0: "a",
    CQI_AUTH_ADDITIONAL_JWT_0_ALGORITHMS: "RS256",
    CQI_AUTH_ADDITIONAL_JWT_0_JWKS_URI: "https://id.example/keys",
  });
  assert.deepEqual(cqi.eventBus?.topics.map(({ name }) => name), ["prices", "orders"]);
  assert.equal(cqi.eventBus?.topics[0]?.partitions, 12);
  assert.deepEqual(cqi.auth?.additionalJwt[0]?.audiences, ["a"]);
});

test("env refers to a secret's variable instead of copying it", async () => {
  const cqi = await loaded({
    CQI_DATABASE_POSTGRES_PASSWORD: "canary",
    CQI_CACHE_REDIS_PASSWORD_FILE: "/run/secrets/redis",
    CQI_AUTH_API_KEY_PEPPER_ENV: "CQI_PEPPER",
    CQI_PEPPER: "canary",
    CQI_TRACING_OTLP_HEADERS_AUTHORIZATION: "Bearer canary",
  });
  assert.equal(
    cqi.database?.postgres?.password?.valueSource.value,
    "CQI_DATABASE_POSTGRES_PASSWORD",
  );
  assert.deepEqual(cqi.cache?.redis?.password?.valueSource, {
    case: "file",
    value: "/run/secrets/redis",
  });
  assert.equal(cqi.auth?.apiKey?.pepper?.valueSource.value, "CQI_PEPPER");
  assert.equal(
    cqi.tracing?.otlp?.headers.authorization?.valueSource.value,
    "CQI_TRACING_OTLP_HEADERS_AUTHORIZATION",
  );
});

test("env takes a variable with the prefix that fits no setting for a mistake, and suggests", async () => {
  assert.deepEqual(
    await wrong({ CQI_DATABSE_POSTGRES_HOST: "x", CQI_LOG_LEVLE: "info", CQI_XYZZY: "1" }),
    [
      "CQI_DATABSE_POSTGRES_HOST : fits no setting; did you mean 'CQI_DATABASE_POSTGRES_HOST'?",
      "CQI_LOG_LEVLE : fits no setting; did you mean 'CQI_LOG_LEVEL'?",
      "CQI_XYZZY : fits no setting",
    ],
  );
});

test("env takes half a name, a group's name and an empty rest for mistakes", async () => {
  const found = await wrong({ CQI_: "1", CQI_SERVER: "1", CQI_SERVER_: "1", CQI_LOG_LEVEL_: "1" });
  assert.equal(found.length, 4);
  assert(found.every((mistake) => / : fits no setting/.test(mistake)));
});

test("env leaves the names alone that it is told to", async () => {
  const variables = { CQI_TEST_SLOW: "1" };
  assert.deepEqual(
    await mistakes({ sources: [service, env({ ignore: ["CQI_TEST_SLOW"] })], variables }),
    [],
  );
});

test("env refuses variables that contradict each other", async () => {
  assert.deepEqual(
    await wrong({
      CQI_LOG_REDACT_KEYS: "a",
      CQI_LOG_REDACT_KEYS_0: "b",
      CQI_DATABASE_POSTGRES_PASSWORD: "canary",
      CQI_DATABASE_POSTGRES_PASSWORD_ENV: "X",
    }),
    [
      "CQI_DATABASE_POSTGRES_PASSWORD_ENV database.postgres.password.env: cannot be set together " +
      "with 'CQI_DATABASE_POSTGRES_PASSWORD'; use one of the two",
      "CQI_LOG_REDACT_KEYS_0 log.redact_keys[0]: cannot be set together with " +
      "'CQI_LOG_REDACT_KEYS'; use one of the two",
    ],
  );
});

test("env refuses gaps in numbers, also huge ones", async () => {
  assert.deepEqual(await wrong({ CQI_LOG_REDACT_KEYS_0: "a", CQI_LOG_REDACT_KEYS_2: "b" }), [
    "CQI_LOG_REDACT_KEYS_0 log.redact_keys: has no number 1; number members from 0 without gaps",
  ]);
  assert.equal((await wrong({ CQI_LOG_REDACT_KEYS_9999: "a" })).length, 1);
  assert.match((await wrong({ CQI_LOG_REDACT_KEYS_99999: "a" }))[0]!, /fits no setting/);
  assert.match((await wrong({ CQI_LOG_REDACT_KEYS_00: "a" }))[0]!, /fits no setting/);
});

test("env refuses a map that is not of pairs", async () => {
  for (const value of ["bus", "=debug", "bus=debug,bus=info"]) {
    assert.match((await wrong({ CQI_LOG_LEVELS: value }))[0]!, /must be name=value pairs/, value);
  }
});

test("env takes empty values, values with '=' and newlines, and huge ones, as they are", async () => {
  const cqi = await loaded({
    CQI_LOG_REDACT_KEYS: "",
    CQI_METRICS_LABELS: "a=b=c",
    CQI_SERVER_HOST: "a\nb=c",
  });
  assert.deepEqual(cqi.log?.redactKeys, []);
  assert.equal(cqi.metrics?.labels.a, "b=c");
  assert.equal(cqi.server?.host, "a\nb=c");
  const found = await wrong({
    CQI_SERVER_HOST: "x".repeat(1_000_000),
    CQI_SERVER_HTTP_PORT: "9".repeat(1_000_000),
    [`CQI_TRACING_OTLP_HEADERS_${"A_".repeat(50_000)}B`]: "x",
    CQI_SERVER_READ_TIMEOUT: "",
  });
  assert.equal(found.length, 4);
  assert(found.join("").length < 200_000);
});

test("env replaces a list of a file as a whole", async () => {
  const { cqi } = await load({
    sources: [service, file("log: { redact_keys: [a, b, c] }"), env()],
    variables: { CQI_LOG_REDACT_KEYS_0: "z" },
  });
  assert.deepEqual(cqi.log?.redactKeys, ["z"]);
});

test("env shows no value in its messages (C4)", async () => {
  const found = await wrong({
    CQI_SERVER_HTTP_PORT: "canary",
    CQI_LOG_LEVEL: "canary",
    CQI_LOG_LEVELS: "canary",
    CQI_CACHE_DEFAULT_TTL: "canary",
    CQI_CANARI: "canary",
  });
  assert.equal(found.length, 5);
  assert.doesNotMatch(found.join("\n"), /canary/);
});

test("env reads the process's own environment when nothing else is given", async () => {
  const { process } = globalThis as unknown as { process: { env: Record<string, string> } };
  process.env.CQITEST_LOG_LEVEL = "warn";
  try {
    const { cqi } = await load({ sources: [service, env({ prefix: "CQITEST" })] });
    assert.equal(cqi.log?.level, "warn");
  } finally {
    delete process.env.CQITEST_LOG_LEVEL;
  }
});

test("env refuses a prefix that no variable could have", () => {
  for (const prefix of ["", "cqi", "1A", "A-B"]) {
    assert.throws(() => env({ prefix }), { code: "CQI_OPTION_INVALID" });
  }
});

test("values takes no function, cycle or depth beyond 64, and says where", async () => {
  const cycle: Record<string, unknown> = {};
  cycle.server = { options: cycle };
  const deep = JSON.parse('{"a":'.repeat(70) + "1" + "}".repeat(70));
  const table: [Record<string, unknown>, RegExp][] = [
    [{ log: { level: () => "info" } }, /values log\.level: must be a text, .*got a function/],
    [cycle, /values server\.options: contains itself/],
    [deep, /nests more than 64 levels/],
    [{ log: { level: Symbol("x") } }, /got a symbol/],
  ];
  for (const [settings, wanted] of table) {
    const found = await mistakes({ sources: [service, values(settings)] });
    assert.match(found.join("\n"), wanted);
  }
});

test("values takes bigint, durations as fields, and undefined for absent", async () => {
  const { cqi } = await load({
    sources: [
      service,
      values({
        server: {
          max_body_bytes: 1_048_576n,
          read_timeout: { seconds: 1n, nanos: 500_000_000 },
          host: undefined,
        },
      }),
    ],
  });
  assert.equal(cqi.server?.maxBodyBytes, 1_048_576n);
  assert.equal(cqi.server?.readTimeout?.nanos, 500_000_000);
  assert.equal(Object.hasOwn(cqi.server!, "host"), false);
});
