import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AddressInfo, createServer, type Socket } from "node:net";
import process from "node:process";
import test from "node:test";
import { inspect } from "node:util";
import { duration } from "../../core/mod.ts";
import { createDriver } from "../../database/drivers/postgres.ts";
import { type DatabaseConfigInit, migrate, open, type OpenOptions } from "../../database/mod.ts";
import { isCqiError } from "../../errors/mod.ts";
import { type PostgresFields, realPostgres } from "../../testing/real_postgres.ts";
import { testLogger } from "../../testing/test_logger.ts";
import { real } from "../_real.ts";
import { keepingMetrics, keepingTracer } from "./_fixture.ts";

const folder = await mkdtemp(join(tmpdir(), "cqi_login_"));
// Before the first test is registered: what is to happen after the last one would happen too early.
const postgres = await real(async () => {
  const server = await realPostgres();
  const close = async (): Promise<void> => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { ...server, close };
});
let serial = 0;

/** A secret in a file of its own. */
async function secret(text: string) {
  const value = join(folder, `secret_${serial++}`);
  await writeFile(value, text);
  return { valueSource: { case: "file" as const, value } };
}

function openPostgres(section: DatabaseConfigInit, options: OpenOptions = {}) {
  return open(section, { ...options, drivers: { postgres: () => ({ createDriver }) } });
}

async function openUrl(url: string) {
  return await openPostgres({ driver: "postgres", postgres: { url: await secret(url) } });
}

const badUrls = [
  "",
  "not a url",
  "mysql://cqi-canary-user:cqi-canary@host/db",
  "postgres://u:cqi-canary%zz@host/db",
  "postgres://u:cqi-canary@host:cqi-canary/db",
  "postgres://u:cqi-canary@host:70000/db",
  "postgres://u:cqi-canary@[cqi-canary]/db",
  "postgres://u:cqi-canary@host/db?sslmode=cqi-canary",
  "postgres://u:cqi-canary@host/db?cqi-canary=1",
  "postgres://u:cqi-canary@host/db?target_session_attrs=cqi-canary",
  "postgres://u:p/cqi-canary@host/db?password=cqi-canary",
];
for (const url of badUrls) {
  test(`open() refuses the connection string ${JSON.stringify(url)} and shows none of it`, async () => {
    await assert.rejects(openUrl(url), (error) => {
      assert(isCqiError(error, "CQI_CONFIG_INVALID"));
      assert(!inspect(error, { depth: 9 }).includes("cqi-canary"));
      return true;
    });
  });
}

test("open() refuses what the driver would not act on", async () => {
  await assert.rejects(
    openPostgres({ driver: "postgres", postgres: { readReplicas: ["replica:5432"] } }),
    { code: "CQI_FEATURE_UNSUPPORTED" },
  );
  await assert.rejects(openPostgres({ driver: "postgres", postgres: { host: "a,,b" } }), {
    code: "CQI_CONFIG_INVALID",
  });
  await assert.rejects(
    openPostgres({
      driver: "postgres",
      postgres: { password: { valueSource: { case: "env", value: "CQI_NOT_SET_ANYWHERE" } } },
    }),
    { code: "CQI_CONFIG_INVALID" },
  );
});

test("a name that nobody has is a failure that may pass", async () => {
  const db = await openPostgres({
    driver: "postgres",
    postgres: { host: "no-such-host.invalid", sslMode: "disable" },
    connectTimeout: duration("300ms"),
  });
  await assert.rejects(db.sql`select 1`.rows(), {
    code: "CQI_DATABASE_UNAVAILABLE",
    retryable: true,
  });
  await db.close();
});

if (postgres !== undefined) {
  const { host, port, user, password, database } = postgres;
  const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
  const urls = [
    postgres.url,
    postgres.url.replace("postgres:", "postgresql:"),
    `${postgres.url}?sslmode=disable&target_session_attrs=read-write`,
    // The first of them is not there.
    `postgres://${login}@127.0.0.1:1,${host}:${port}/${database}`,
  ];
  for (const [i, url] of urls.entries()) {
    test(`connection string ${i + 1} connects, its password with quotes and blanks included`, async () => {
      const db = await openUrl(url);
      assert.deepEqual(await db.sql`select current_database()::text as name`, [{ name: database }]);
      await db.close();
    });
  }

  for (const word of [`p' w=x\\" `, "é ß 日本", "%41%zz", "$1;--", "a".repeat(500), "\t#?&"]) {
    test(`password ${JSON.stringify(word.slice(0, 20))} works, as a field and in a string`, async () => {
      const role = `role_${serial++}`;
      const admin = await openPostgres(postgres.section);
      const { text } = await admin.sql<{ text: string }>`
        select format('create role %I login password %L', ${role}::text, ${word}::text) as text`
        .one();
      // A utility statement takes no parameters; a migration is the way to run a made text.
      await migrate(admin, [{ version: 1, name: "role", sql: text }], { table: role });
      await admin.close();
      const fields: PostgresFields = { user: role, password: await secret(`${word}\n`) };
      const url = `postgres://${role}:${encodeURIComponent(word)}@${host}:${port}/${database}`;
      for (const open of [() => openPostgres(postgres.sectionWith(fields)), () => openUrl(url)]) {
        const db = await open();
        assert.deepEqual(await db.sql`select current_user::text as name`, [{ name: role }]);
        await db.close();
      }
    });
  }

  test("a password that changes is read again for the next connection", async () => {
    const ref = await secret("wrong");
    const db = await openPostgres(postgres.sectionWith({ password: ref }));
    await assert.rejects(db.sql`select 1`.rows(), { message: /28P01/ });
    await writeFile(ref.valueSource.value, password);
    assert.equal((await db.sql`select 1`).length, 1);
    await db.close();
  });

  test("C6, D6: a password is in no error, log, metric or span, whatever fails", async () => {
    const canary = "cqi-canary-password";
    const logger = testLogger();
    const tracer = keepingTracer();
    const metrics: Record<string, number> = {};
    const seen: unknown[] = [];
    const sections: readonly PostgresFields[] = [
      { user: postgres.user },
      { user: "cqi_nobody" },
      { database: "not_there" },
      { port: 1 },
      { sslMode: "require" },
      { host: "no-such-host.invalid", sslMode: "disable" },
    ];
    for (const fields of sections) {
      const db = await openPostgres({
        ...postgres.sectionWith({ ...fields, password: await secret(canary) }),
        connectTimeout: duration("200ms"),
      }, { logger, tracer, metrics: keepingMetrics(metrics) });
      seen.push(db, await db.check());
      await db.sql`select ${canary}`.rows().catch((error) => seen.push(error));
      await db.transaction(() => {}).catch((error) => seen.push(error, String(error.stack)));
      await db.listen("x", () => {}).catch((error) => seen.push(error));
      await db.close();
    }
    const text = inspect([seen, logger.entries, tracer.spans, metrics], {
      depth: 12,
      showHidden: true,
      maxArrayLength: null,
      maxStringLength: null,
    });
    assert(text.includes("CQI_DATABASE_UNAVAILABLE"));
    assert(!text.includes(canary));
    assert(!text.includes(password));
  });

  test("a host that accepts and never answers leaves the next one its share of the time", async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => void sockets.push(socket.on("error", () => {})));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as AddressInfo;
    const login = `${postgres.user}:${encodeURIComponent(postgres.password)}`;
    const hosts = `127.0.0.1:${port},127.0.0.1:${postgres.port}`;
    const url = await secret(`postgres://${login}@${hosts}/${postgres.database}`);
    const section = { driver: "postgres", postgres: { url }, connectTimeout: duration("4s") };
    const db = await openPostgres({ ...section, maxConnLifetime: duration("1ms") });
    try {
      assert.deepEqual(await db.sql`select 1 as n`, [{ n: 1 }]);
      const asked = sockets.length;
      await db.transaction(async (tx) => void await tx.sql`select pg_sleep(0.01)`);
      assert.deepEqual(await db.sql`select 2 as n`, [{ n: 2 }]);
      assert.equal(sockets.length, asked, "the one that served last is asked first");
    } finally {
      await db.close();
      for (const socket of sockets) socket.destroy();
      silent.close();
    }
  });

  test("PG variables of the environment are not read", async () => {
    const variables = {
      PGUSER: "cqi_nobody",
      PGDATABASE: "not_there",
      PGPASSWORD: "wrong",
      PGPORT: "1",
      PGSSLMODE: "require",
      PGAPPNAME: "somebody",
      PGCLIENT_ENCODING: "LATIN1",
      PGOPTIONS: "-c work_mem=77kB -c search_path=elsewhere",
      PGREPLICATION: "database",
    };
    const read = async (): Promise<unknown> => {
      const db = await openPostgres(postgres.section);
      const row = await db.sql`
        select current_setting('work_mem') as memory, current_setting('search_path') as path,
               current_setting('application_name') as name,
               current_setting('client_encoding') as encoding, backend_type
        from pg_stat_activity where pid = pg_backend_pid()`.one();
      await db.close();
      return row;
    };
    const without = await read();
    Object.assign(process.env, variables);
    try {
      assert.deepEqual(await read(), without);
    } finally {
      for (const name of Object.keys(variables)) delete process.env[name];
    }
  });
}
