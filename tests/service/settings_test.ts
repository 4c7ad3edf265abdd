import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { CqiConfigSchema, ServerConfigSchema } from "../../gen/ts/cqc/config/v1/mod.ts";
import { readSettings } from "../../service/_settings.ts";
import { openService } from "./_kit.ts";

type Init = MessageInitShape<typeof CqiConfigSchema>;

const SERVICE = { name: "fixture", version: "1.0.0", environment: "production" };
const second = { seconds: 1n };

const settings = (config: Init) => readSettings(create(CqiConfigSchema, config));

// What is acted on, as it is set, and where that shows: in the settings or in the named test.
const READ_SERVER: Record<string, [Init["server"], Record<string, unknown>]> = {
  host: [{ host: "::1" }, { host: "::1" }],
  http_port: [{ httpPort: 0 }, { httpPort: 0 }],
  admin_port: [{ adminPort: 0 }, { adminPort: 0 }],
  request_timeout: [{ requestTimeout: second }, { requestTimeoutMs: 1000 }],
  shutdown_timeout: [{ shutdownTimeout: second }, { shutdownMs: 1000, drainMs: 500 }],
  drain_delay: [{ drainDelay: second }, { drainMs: 1000 }],
  max_body_bytes: [{ maxBodyBytes: 1n }, { maxBodyBytes: 1 }],
  trusted_proxy_hops: [{ trustedProxyHops: 2 }, { trustedProxyHops: 2 }],
};

const REFUSED_SERVER: Record<string, Init["server"]> = {
  grpc_port: { grpcPort: 0 },
  read_timeout: { readTimeout: second },
  write_timeout: { writeTimeout: second },
  idle_timeout: { idleTimeout: second },
  max_header_bytes: { maxHeaderBytes: 16_384 },
  tls: { tls: {} },
};

// Sections: service, server, log, metrics, tracing and health are opened with every service; auth,
// bus, cache and database with the part; retry is for the policies of the service's own calls.
const READ_SECTIONS = [
  "service",
  "server",
  "database",
  "cache",
  "event_bus",
  "log",
  "metrics",
  "tracing",
  "auth",
  "retry",
  "health",
];

const REFUSED_SECTIONS: Record<string, Init> = {
  circuit_breaker: { circuitBreaker: {} },
  rate_limit: { rateLimit: { limit: 5 } },
  secrets: { secrets: { driver: "vault" } },
  "metrics.port": { metrics: { port: 0 } },
};

test("Every setting of section server is read or refused", () => {
  const known = [...Object.keys(READ_SERVER), ...Object.keys(REFUSED_SERVER)];
  assert.deepEqual(known.sort(), ServerConfigSchema.fields.map(({ name }) => name).sort());
});

test("Every section of a configuration is read or refused", () => {
  const known = [...READ_SECTIONS, ...Object.keys(REFUSED_SECTIONS)]
    .filter((name) => !name.includes("."));
  assert.deepEqual(known.sort(), CqiConfigSchema.fields.map(({ name }) => name).sort());
});

for (const [name, [server, expected]] of Object.entries(READ_SERVER)) {
  test(`server.${name} takes effect`, () => {
    const read = settings({ service: SERVICE, server });
    const before = settings({ service: SERVICE });
    for (const [key, value] of Object.entries(expected)) {
      assert.equal(read[key as keyof typeof read], value);
      assert.notEqual(before[key as keyof typeof before], value);
    }
  });
}

const refused = {
  ...Object.fromEntries(
    Object.entries(REFUSED_SERVER).map(([name, server]) => [`server.${name}`, { server }]),
  ),
  ...REFUSED_SECTIONS,
};

for (const [name, config] of Object.entries(refused)) {
  test(`${name} is refused when it is set`, async () => {
    await assert.rejects(openService([], config), (error: { code: string; message: string }) => {
      assert.equal(error.code, "CQI_FEATURE_UNSUPPORTED");
      assert.ok(error.message.includes(`acts on ${name};`), error.message);
      return true;
    });
  });
}

test("open() names all that it refuses at once", async () => {
  await assert.rejects(
    openService([], { server: { tls: {} }, rateLimit: {}, secrets: {} }),
    { message: /server\.tls, rate_limit, secrets/ },
  );
});

test("Sections that are switched off by name are taken", async () => {
  await using app = await openService([], {
    rateLimit: { enabled: false },
    circuitBreaker: { enabled: false },
  });
  assert.equal(app.config.rateLimit?.enabled, false);
});

test("server.trusted_proxy_hops is refused where no guard would look at it", async () => {
  const server = { host: "127.0.0.1", trustedProxyHops: 1 };
  await assert.rejects(openService([], { server }), { message: /trusted_proxy_hops.*part 'auth'/ });
  await using app = await openService(["auth"], { server });
  assert.equal((await app.auth.check()).status, "ok");
});

test("Settings have the defaults that the contract states", () => {
  assert.deepEqual(settings({ service: SERVICE, server: { host: "::" } }), {
    host: "::",
    httpPort: 8080,
    adminPort: undefined,
    healthPaths: new Set(["/health", "/health/live", "/health/ready", "/health/startup"]),
    metricsPath: "/metrics",
    maxBodyBytes: 1_048_576,
    requestTimeoutMs: 30_000,
    drainMs: 5000,
    shutdownMs: 25_000,
    trustedProxyHops: undefined,
  });
});

for (const environment of ["development", "test"]) {
  test(`server.drain_delay is 0 in ${environment} unless it is set`, () => {
    assert.equal(settings({ service: { ...SERVICE, environment } }).drainMs, 0);
  });
}
