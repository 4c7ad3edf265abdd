import assert from "node:assert/strict";
import test from "node:test";
import { createDriver } from "../../database/drivers/postgres.ts";
import { open } from "../../database/mod.ts";
import { isCqiError } from "../../errors/mod.ts";
import {
  type PostgresFields,
  type RealPostgres,
  realPostgres,
} from "../../testing/real_postgres.ts";
import { testLogger } from "../../testing/test_logger.ts";
import { real } from "../_real.ts";
import { type Certificates, certificates, textOf } from "./_tls.ts";

const made: Certificates = await certificates("DNS:localhost");
const settings = {
  ssl: "on",
  ssl_cert_file: made.cert,
  ssl_key_file: made.key,
  ssl_ca_file: made.ca,
};
const postgres = await real(async () => {
  const server = await realPostgres({ own: true, settings });
  const close = async (): Promise<void> => {
    await server.close();
    await made[Symbol.asyncDispose]();
  };
  return { ...server, close };
});

const drivers = { postgres: () => ({ createDriver }) };

/** Whether a connection with these fields is encrypted; the reason why not when there is none. */
async function attempt(server: RealPostgres, fields: PostgresFields): Promise<string> {
  const db = await open(server.sectionWith(fields), { drivers });
  try {
    const { ssl } = await db.sql<{ ssl: boolean }>`
      select ssl from pg_stat_ssl where pid = pg_backend_pid()`.one();
    return ssl ? "encrypted" : "plain";
  } catch (error) {
    assert(isCqiError(error), String(error));
    return `${error.code} ${error.retryable}`;
  } finally {
    await db.close();
  }
}

if (postgres !== undefined) {
  const refused = "CQI_DATABASE_UNAVAILABLE false";
  const cases: readonly (readonly [string, PostgresFields, string])[] = [
    ["loopback without a word is plain", {}, "plain"],
    ["disable is plain", { sslMode: "disable" }, "plain"],
    ["require is encrypted and checks nothing", { sslMode: "require" }, "encrypted"],
    ["require with an authority checks it", {
      sslMode: "require",
      tls: { caFile: made.otherCa },
    }, refused],
    [
      "verify-ca checks the authority",
      { sslMode: "verify-ca", tls: { caFile: made.ca } },
      "encrypted",
    ],
    ["verify-ca refuses another authority", {
      sslMode: "verify-ca",
      tls: { caFile: made.otherCa },
    }, refused],
    ["verify-full refuses what the system does not know", { sslMode: "verify-full" }, refused],
    ["verify-full accepts the name", {
      host: "localhost",
      sslMode: "verify-full",
      tls: { caFile: made.ca },
    }, "encrypted"],
    ["verify-full refuses another name", {
      host: "127.0.0.1",
      sslMode: "verify-full",
      tls: { caFile: made.ca },
    }, refused],
    ["verify-full goes by server_name where it is given", {
      host: "127.0.0.1",
      sslMode: "verify-full",
      tls: { caFile: made.ca, serverName: "localhost" },
    }, "encrypted"],
    [
      "a section tls alone means verify-full",
      { host: "127.0.0.1", tls: { caFile: made.ca } },
      refused,
    ],
    ["insecure_skip_verify checks nothing", { tls: { insecureSkipVerify: true } }, "encrypted"],
    ["an authority as text is as good as a file", {
      host: "localhost",
      tls: { caPem: await textOf(made.ca), minVersion: "1.3" },
    }, "encrypted"],
    ["a client certificate is shown", {
      host: "localhost",
      tls: {
        caFile: made.ca,
        certFile: made.clientCert,
        privateKey: { valueSource: { case: "file", value: made.clientKey } },
      },
    }, "encrypted"],
  ];
  for (const [name, fields, wanted] of cases) {
    test(`TLS: ${name}`, async () => {
      assert.equal(await attempt(postgres, fields), wanted);
    });
  }

  test("TLS: a query over an encrypted connection is called off", async () => {
    const fields = { host: "localhost", tls: { caFile: made.ca } };
    const db = await open({ ...postgres.sectionWith(fields), maxConns: 1 }, { drivers });
    await assert.rejects(db.sql`select pg_sleep(10)`.with({ timeout: "100ms" }).rows(), {
      code: "CQI_DATABASE_TIMEOUT",
    });
    assert.equal(db.pool.idle, 1);
    await db.close();
  });

  test("TLS: checks that are off are logged", async () => {
    const logger = testLogger();
    const section = postgres.sectionWith({ tls: { insecureSkipVerify: true } });
    await (await open(section, { drivers, logger })).close();
    logger.expect({ level: "warn", message: /certificate/ });
  });

  test("TLS: files that are not there, and modes that contradict, are refused when it is opened", async () => {
    const bad: readonly PostgresFields[] = [
      { tls: { caFile: "not-there.pem" } },
      { sslMode: "verify-full", tls: { enabled: false } },
    ];
    for (const fields of bad) {
      await assert.rejects(open(postgres.sectionWith(fields), { drivers }), {
        code: "CQI_CONFIG_INVALID",
      });
    }
  });
}
