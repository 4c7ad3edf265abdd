import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { compose, type FetchHandler, type HttpHandler } from "../../core/mod.ts";
import { type Database, sql } from "../../database/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import { AuthContextSchema, PrincipalType } from "../../gen/ts/cqc/auth/v1/mod.ts";
import type { IdempotencyOptions } from "../../outbox/mod.ts";
import { turn, until } from "../_until.ts";
import { type Fixture, fixture } from "./_fixture.ts";

const URL_ = "http://localhost/orders?desk=1";

function post(key: string | undefined, body = '{"quantity":"1"}', url = URL_): Request {
  return new Request(url, {
    method: "POST",
    body,
    headers: {
      "content-type": "application/json",
      ...key !== undefined && { "idempotency-key": key },
    },
  });
}

function handlerOf(
  made: Fixture,
  handler: HttpHandler,
  options: IdempotencyOptions = {},
): FetchHandler {
  return compose(made.box.idempotency(options))(handler);
}

/** A handler that counts. */
function counting(status = 201): { readonly handle: HttpHandler; readonly calls: () => number } {
  let calls = 0;
  return {
    calls: () => calls,
    handle: async (request) => {
      const { quantity } = await request.json();
      return Response.json({ number: ++calls, quantity }, {
        status,
        headers: { location: `/orders/${calls}`, "set-cookie": "session=secret" },
      });
    },
  };
}

test("idempotency answers a repeat with the first answer and says so", async () => {
  await using made = await fixture();
  const { handle, calls } = counting();
  const handler = handlerOf(made, handle);
  const first = await handler(post("k-1"));
  assert.equal(first.headers.get("idempotency-replayed"), null);
  assert.equal(first.headers.get("set-cookie"), "session=secret");
  const second = await handler(post('"k-1"'));
  assert.equal(second.status, 201);
  assert.equal(second.headers.get("location"), "/orders/1");
  assert.match(second.headers.get("content-type") ?? "", /^application\/json/);
  assert.equal(second.headers.get("idempotency-replayed"), "true");
  assert.equal(second.headers.get("set-cookie"), null);
  assert.deepEqual(await second.json(), await first.json());
  assert.equal(calls(), 1);
});

test("idempotency runs other keys, other callers and requests without a key", async () => {
  await using made = await fixture();
  const { handle, calls } = counting();
  const handler = handlerOf(made, handle);
  const as = (principalId: string) => ({
    auth: create(AuthContextSchema, { principal: { principalId, type: PrincipalType.USER } }),
  });
  await handler(post("k"));
  await handler(post("other"));
  await handler(post("k"), as("ada"));
  await handler(post("k"), as("bob"));
  await handler(post(undefined));
  await handler(post(undefined));
  assert.equal(calls(), 6);
  assert.equal((await handler(post("k"), as("ada"))).headers.get("idempotency-replayed"), "true");
  assert.equal(calls(), 6);
});

test("idempotency leaves other methods alone", async () => {
  await using made = await fixture();
  let calls = 0;
  const handler = handlerOf(made, () => new Response(`${++calls}`));
  const headers = { "idempotency-key": "k" };
  for (let n = 0; n < 2; n++) await handler(new Request(URL_, { headers }));
  assert.equal(calls, 2);
  const put = handlerOf(made, () => new Response(`${++calls}`), { methods: ["put"] });
  for (let n = 0; n < 2; n++) await put(new Request(URL_, { method: "PUT", headers }));
  assert.equal(calls, 3);
});

test("idempotency refuses the key with another body, path, query or type by 422", async () => {
  await using made = await fixture();
  const { handle, calls } = counting();
  const handler = handlerOf(made, handle);
  await handler(post("k"));
  const others = [
    post("k", '{"quantity":"2"}'),
    post("k", undefined, "http://localhost/other?desk=1"),
    post("k", undefined, "http://localhost/orders?desk=2"),
    new Request(URL_, {
      method: "POST",
      body: '{"quantity":"1"}',
      headers: { "idempotency-key": "k", "content-type": "text/plain" },
    }),
  ];
  for (const request of others) {
    const response = await handler(request);
    assert.equal(response.status, 422);
    assert.equal(response.headers.get("content-type"), "application/problem+json");
  }
  assert.equal(calls(), 1);
});

test("idempotency answers 409 while the first request is under way, and 422 to another body", async () => {
  await using made = await fixture();
  const gate = Promise.withResolvers<void>();
  const handler = handlerOf(made, async () => {
    await gate.promise;
    return new Response("done");
  });
  const first = handler(post("k"));
  await until(async () =>
    (await made.db.sql`select * from ${sql.identifier(made.schema, "idempotency")}`).length === 1
  );
  const second = await handler(post("k"));
  assert.equal(second.status, 409);
  assert.equal(second.headers.get("retry-after"), "1");
  assert.equal((await handler(post("k", "{}"))).status, 422);
  gate.resolve();
  assert.equal(await (await first).text(), "done");
  assert.equal(await (await handler(post("k"))).text(), "done");
});

test("idempotency has 20 equal requests at once carried out once and answered alike", async () => {
  await using made = await fixture();
  const { handle, calls } = counting();
  const handler = handlerOf(made, handle, { wait: "10s" });
  const all = Promise.all(Array.from({ length: 20 }, () => handler(post("k"))));
  let isDone = false;
  void all.finally(() => isDone = true);
  for (let n = 0; n < 100 && !isDone; n++) {
    await made.clock.advance(50);
    await turn();
  }
  await until(async () => {
    await made.clock.advance(50);
    return isDone;
  });
  const answers = await Promise.all((await all).map((response) => response.text()));
  assert.equal(calls(), 1);
  assert.deepEqual(new Set(answers).size, 1);
});

test("idempotency keeps no answer that says nothing of the request", async () => {
  await using made = await fixture();
  for (const status of [500, 503, 429, 401, 403, 409]) {
    const { handle, calls } = counting(status);
    const handler = handlerOf(made, handle);
    for (let n = 0; n < 2; n++) assert.equal((await handler(post(`k-${status}`))).status, status);
    assert.equal(calls(), 2, `${status}`);
  }
});

test("idempotency keeps an answer that refuses the request itself", async () => {
  await using made = await fixture();
  const { handle, calls } = counting(404);
  const handler = handlerOf(made, handle);
  await handler(post("k"));
  assert.equal((await handler(post("k"))).status, 404);
  assert.equal(calls(), 1);
});

test("idempotency gives the key back when the handler throws", async () => {
  await using made = await fixture();
  let calls = 0;
  const handler = handlerOf(made, () => {
    if (++calls === 1) throw new CqiError("CQI_UNAVAILABLE", "Not now");
    return new Response("done");
  });
  await assert.rejects(handler(post("k")), { code: "CQI_UNAVAILABLE" });
  assert.equal(await (await handler(post("k"))).text(), "done");
});

test("idempotency gives the key back when the answer breaks as it is read", async () => {
  await using made = await fixture();
  let calls = 0;
  const handler = handlerOf(made, () => {
    if (++calls > 1) return new Response("whole");
    let isBegun = false;
    return new Response(
      new ReadableStream<Uint8Array>({
        pull(controller) {
          if (isBegun) throw new Error("Broken");
          isBegun = true;
          controller.enqueue(new Uint8Array(10));
        },
      }),
    );
  });
  await assert.rejects(async () => await handler(post("k")), { message: "Broken" });
  assert.equal(await (await handler(post("k"))).text(), "whole");
  assert.equal(calls, 2);
});

test("idempotency takes a key over once its request is dead, and no sooner", async () => {
  await using made = await fixture();
  const table = sql.identifier(made.schema, "idempotency");
  let calls = 0;
  const never = handlerOf(made, () => new Promise(() => void calls++));
  void never(post("k"));
  await until(() => calls === 1);
  const { handle, calls: done } = counting();
  const handler = handlerOf(made, handle);
  assert.equal((await handler(post("k"))).status, 409);
  await made.db.sql`update ${table} set locked_until = now() - interval '1 second'`;
  assert.equal((await handler(post("k", "{}"))).status, 422);
  assert.equal((await handler(post("k"))).status, 201);
  assert.equal(done(), 1);
});

test("idempotency forgets an answer when it has expired", async () => {
  await using made = await fixture();
  const { handle, calls } = counting();
  const handler = handlerOf(made, handle);
  await handler(post("k"));
  const table = sql.identifier(made.schema, "idempotency");
  await made.db.sql`update ${table} set expires_at = now() - interval '1 second'`;
  await handler(post("k", '{"quantity":"2"}'));
  assert.equal(calls(), 2);
});

test("idempotency refuses malformed and missing keys", async () => {
  await using made = await fixture();
  const { handle, calls } = counting();
  const handler = handlerOf(made, handle, { required: true });
  const bad = ["", "a b", '"open', '""', "x".repeat(256), '"a"; p=1', "a, b", '"a\\b"'];
  for (const key of [undefined, ...bad]) {
    const response = await handler(post(key));
    assert.equal(response.status, 400, key);
    const { violations } = await response.json();
    assert.equal(violations[0].field, "idempotency-key");
  }
  assert.equal(calls(), 0);
});

test("idempotency refuses a body that is too long before it is carried out", async () => {
  await using made = await fixture();
  const { handle, calls } = counting();
  const handler = handlerOf(made, handle, { maxRequestBytes: 100 });
  assert.equal((await handler(post("k", "x".repeat(101)))).status, 413);
  const stream = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(64)),
  });
  const init = { method: "POST", body: stream, headers: { "idempotency-key": "k" } };
  const endless = new Request(URL_, { ...init, duplex: "half" } as RequestInit);
  assert.equal((await handler(endless)).status, 413);
  assert.equal(calls(), 0);
});

test("idempotency sends a long answer on whole and does not carry the request out again", async () => {
  await using made = await fixture();
  let calls = 0;
  const handler = handlerOf(made, () => {
    calls++;
    let left = 10;
    return new Response(
      new ReadableStream<Uint8Array>({
        pull: (controller) =>
          left-- > 0 ? controller.enqueue(new Uint8Array(100).fill(left)) : controller.close(),
      }),
    );
  }, { maxResponseBytes: 250 });
  const bytes = new Uint8Array(await (await handler(post("k"))).arrayBuffer());
  assert.equal(bytes.length, 1000);
  assert.equal(bytes[999], 0);
  assert.equal((await handler(post("k"))).status, 409);
  assert.equal(calls, 1);
});

test("idempotency replays answers without a body and with bytes", async () => {
  await using made = await fixture();
  const empty = handlerOf(made, () => new Response(null, { status: 204 }));
  await empty(post("empty"));
  assert.equal((await empty(post("empty"))).status, 204);
  const raw = Uint8Array.from({ length: 256 }, (_, n) => n);
  const binary = handlerOf(made, () => new Response(raw));
  await binary(post("raw"));
  const again = await binary(post("raw"));
  assert.equal(again.headers.get("idempotency-replayed"), "true");
  assert.deepEqual(new Uint8Array(await again.arrayBuffer()), raw);
});

test("idempotency hands the request on as it came", async () => {
  await using made = await fixture();
  let seen: unknown;
  const handler = handlerOf(made, async (request) => {
    seen = [request.method, request.url, request.headers.get("x-note"), await request.text()];
    return new Response("ok");
  });
  const headers = { "idempotency-key": "k", "x-note": "n" };
  await handler(new Request(URL_, { method: "POST", body: "héllo", headers }));
  assert.deepEqual(seen, ["POST", URL_, "n", "héllo"]);
});

test("idempotency takes a scope of the caller's", async () => {
  await using made = await fixture();
  const { handle, calls } = counting();
  const handler = handlerOf(made, handle, {
    scope: (request) => `${request.headers.get("x-tenant")}\u0000'`,
  });
  const tenant = (name: string): Request => {
    const request = post("k");
    request.headers.set("x-tenant", name);
    return request;
  };
  await handler(tenant("a"));
  await handler(tenant("b"));
  await handler(tenant("a"));
  assert.equal(calls(), 2);
});

test("idempotency carries nothing out while the database is away", async () => {
  await using made = await fixture();
  const { handle, calls } = counting();
  const handler = handlerOf(made, handle);
  const table = sql.identifier(made.schema, "idempotency");
  const away = sql.identifier("away");
  await made.db.sql`alter table ${table} rename to ${away}`;
  await assert.rejects(handler(post("k")), { code: "CQI_DATABASE_QUERY" });
  assert.equal(calls(), 0);
});

test("idempotency keeps the answer also where the connection breaks as it is written", async () => {
  await using made = await fixture();
  let keeps = 0;
  const lost = new CqiError("CQI_DATABASE_UNAVAILABLE", "Cannot run the query: it was lost");
  const tag = ((strings: TemplateStringsArray, ...values: never[]) => {
    const query = made.db.sql(strings, ...values);
    const run = query.with.bind(query);
    query.with = (options) =>
      options.name === "idempotency_keep" && ++keeps === 1
        ? Promise.reject(lost) as unknown as ReturnType<typeof run>
        : run(options);
    return query;
  }) as Database["sql"];
  const db = new Proxy(made.db, {
    get: (target, name) => name === "sql" ? tag : Reflect.get(target, name),
  });
  const box = await made.another({ relay: false, migrate: false }, { db });
  const { handle, calls } = counting();
  const handler = compose(box.idempotency())(handle);
  await handler(post("k"));
  await made.db.sql`
    update ${sql.identifier(made.schema, "idempotency")} set locked_until = now() - interval '1h'`;
  assert.equal((await handler(post("k"))).headers.get("idempotency-replayed"), "true");
  assert.deepEqual([calls(), keeps], [1, 2]);
});

test("idempotency refuses bad options", async () => {
  await using made = await fixture();
  for (const options of [{ maxRequestBytes: -1 }, { expiry: "soon" as never }, { wait: -1 }]) {
    assert.throws(() => made.box.idempotency(options), { code: "CQI_OPTION_INVALID" });
  }
});
