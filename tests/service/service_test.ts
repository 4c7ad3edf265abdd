import assert from "node:assert/strict";
import { test } from "node:test";
import { core, errors, service } from "../../mod.ts";
import type { BusDriver } from "../../bus/mod.ts";
import { aPriceUpdated } from "../../testing/builders.ts";
import { openService, recordingSink } from "./_kit.ts";

test("open() opens the parts it is asked for and no others", async () => {
  await using app = await openService(["cache"]);
  assert.equal((await app.cache.check()).status, "ok");
  // @ts-expect-error a part that was not asked for is not there
  assert.equal(app.bus, undefined);
});

test("open() refuses a configuration without a service, naming the field", async () => {
  await assert.rejects(service.open({}), (error: errors.CqiError) => {
    assert.equal(error.code, "CQI_CONTRACT_INVALID");
    assert.match(error.message, /service/);
    return true;
  });
});

test("open() closes what it opened, once and in reverse, when a part cannot be opened", async () => {
  const closed: string[] = [];
  const cache = {
    memory: () => ({
      createDriver: () => ({
        features: {},
        close: () => Promise.resolve(void closed.push("cache")),
      }),
    }),
  };
  const bus = {
    memory: () => ({
      createDriver: (): BusDriver => {
        throw new errors.CqiError("CQI_UNAVAILABLE", "No broker today");
      },
    }),
  };
  await assert.rejects(
    openService(["cache", "bus"], {}, { drivers: { cache: cache as never, bus } }),
    (error: errors.CqiError) => {
      assert.equal(error.code, "CQI_SERVICE_START");
      assert.match(error.message, /Cannot start fixture at its bus: No broker today/);
      return true;
    },
  );
  assert.deepEqual(closed, ["cache"]);
});

test("open() names the drivers it knows when the configuration names another", async () => {
  await assert.rejects(
    openService(["bus"], { eventBus: { driver: "carrier-pigeon" } }),
    /known drivers are .*'memory'/,
  );
});

test("serve() answers health and metrics while it runs, and 503 on readiness while it drains", async () => {
  const app = await openService(["bus", "cache"]);
  const server = await app.serve();
  const get = async (path: string): Promise<[number, string]> => {
    const response = await fetch(`${server.url}${path}`);
    return [response.status, await response.text()];
  };
  assert.equal((await get("/health/live"))[0], 200);
  const [ready, body] = await get("/health/ready");
  assert.equal(ready, 200);
  assert.equal(JSON.parse(body).service_name, "fixture");
  assert.match((await get("/metrics"))[1], /^# HELP cqi_/m);
  app.health.draining();
  assert.equal((await get("/health/ready"))[0], 503);
  assert.equal((await get("/health/live"))[0], 200);
  await app.close();
});

test("serve() puts health and metrics on the admin port alone when there is one", async () => {
  await using app = await openService([], {
    server: { host: "127.0.0.1", httpPort: 0, adminPort: 0 },
  });
  const server = await app.serve(() => new Response("mine"));
  const get = async (url: string): Promise<[number, string]> => {
    const response = await fetch(url);
    return [response.status, await response.text()];
  };
  assert.deepEqual(await get(`${server.url}/health/ready`), [200, "mine"]);
  assert.deepEqual(await get(`${server.url}/metrics`), [200, "mine"]);
  assert.notEqual(server.adminUrl, server.url);
  assert.match((await get(`${server.adminUrl}/health/ready`))[1], /SERVICE_STATUS_HEALTHY/);
  assert.match((await get(`${server.adminUrl}/metrics`))[1], /^# HELP cqi_/m);
  assert.equal((await get(`${server.adminUrl}/mine`))[0], 404);
});

test("serve() logs both addresses, and its server closes both", async () => {
  const sink = recordingSink();
  await using app = await openService([], {
    server: { host: "127.0.0.1", httpPort: 0, adminPort: 0 },
  }, { sink });
  const { url, adminUrl, close } = await app.serve();
  await Promise.all([close(), close()]);
  await assert.rejects(fetch(url));
  await assert.rejects(fetch(adminUrl));
  await app.close();
  const line = sink.lines.find(({ message }) => message === "Service listens");
  assert.deepEqual(line?.attributes, { url, admin_url: adminUrl });
});

test("serve() answers probes and metrics on the paths of the configuration, and only there", async () => {
  await using app = await openService([], {
    health: { path: "/_h/" },
    metrics: { path: "/_m" },
  });
  const { url } = await app.serve(() => new Response("mine"));
  const get = async (path: string): Promise<string> => await (await fetch(`${url}${path}`)).text();
  for (const path of ["/_h", "/_h/live", "/_h/ready", "/_h/startup"]) {
    assert.match(await get(path), /SERVICE_STATUS_HEALTHY/, path);
  }
  assert.match(await get("/_m"), /^# HELP cqi_/m);
  for (const path of ["/health", "/health/live", "/metrics", "/_h/", "/_h/x", "/_m/x"]) {
    assert.equal(await get(path), "mine", path);
  }
});

test("serve() leaves routes under /health/ that are no probes to the handler", async () => {
  await using app = await openService([]);
  const { url } = await app.serve(() => new Response("mine"));
  assert.equal(await (await fetch(`${url}/health/insurance`)).text(), "mine");
  assert.match(await (await fetch(`${url}/health`)).text(), /SERVICE_STATUS_HEALTHY/);
});

test("serve() marks the service started, unless it is told that more is to come", async () => {
  await using early = await openService([]);
  const ready = async (url: string): Promise<number[]> => {
    const asked = await Promise.all(
      ["startup", "ready", "live"].map((probe) => fetch(`${url}/health/${probe}`)),
    );
    return asked.map(({ status }) => status);
  };
  assert.deepEqual(await ready((await early.serve()).url), [200, 200, 200]);
  await using late = await openService([]);
  const { url } = await late.serve(undefined, { started: false });
  assert.deepEqual(await ready(url), [503, 503, 200]);
  late.health.started();
  assert.deepEqual(await ready(url), [200, 200, 200]);
});

test("serve() says why it cannot listen, and leaves nothing behind on the other port", async () => {
  await using first = await openService([]);
  const taken = Number(new URL((await first.serve()).url).port);
  const listening: string[] = [];
  const closed: string[] = [];
  const http: service.ServiceDrivers["http"] = {
    default: () => ({
      serve: (_handler, { port }) => {
        if (port === taken) return Promise.reject(new Error("Taken"));
        listening.push("admin");
        const close = (): Promise<void> => Promise.resolve(void closed.push("admin"));
        return Promise.resolve({ url: "http://a", close, [Symbol.asyncDispose]: close });
      },
    }),
  };
  await using second = await openService([], {
    server: { host: "127.0.0.1", httpPort: taken, adminPort: 0 },
  }, { drivers: { http } });
  await assert.rejects(second.serve(), {
    code: "CQI_SERVICE_START",
    message: /Cannot start fixture at its HTTP server: Taken/,
  });
  assert.deepEqual([listening, closed], [["admin"], ["admin"]]);
});

test("serve() and run() refuse a closed service", async () => {
  const app = await openService([]);
  await app.close();
  await assert.rejects(app.serve(), { code: "CQI_CLOSED" });
  let ran = false;
  await assert.rejects(app.run(() => Promise.resolve(void (ran = true))), { code: "CQI_CLOSED" });
  assert.equal(ran, false);
});

test("serve() that is overtaken by close() leaves no server behind", async () => {
  const gate = Promise.withResolvers<void>();
  let closed = 0;
  const http: service.ServiceDrivers["http"] = {
    default: () => ({
      serve: async () => {
        await gate.promise;
        const close = (): Promise<void> => Promise.resolve(void closed++);
        return { url: "http://late", close, [Symbol.asyncDispose]: close };
      },
    }),
  };
  const app = await openService([], {}, { drivers: { http } });
  const serving = app.serve();
  await app.close();
  gate.resolve();
  await assert.rejects(serving, { code: "CQI_CLOSED" });
  assert.equal(closed, 1);
});

test("serve() keeps a sane request id, replaces another, and gives it back", async () => {
  await using app = await openService([]);
  const server = await app.serve(() => new Response("hello"));
  const idFor = async (id: string): Promise<string | null> => {
    const response = await fetch(server.url, { headers: { "x-request-id": id } });
    await response.text();
    return response.headers.get("x-request-id");
  };
  assert.equal(await idFor("abc-123"), "abc-123");
  for (const bad of ["a b", "x".repeat(10_000), "a\tb", "<script>"]) {
    const id = await idFor(bad);
    assert.match(id ?? "", /^[0-9a-f-]{36}$/, `for an id of ${bad.length} characters`);
  }
});

test("serve() answers what a handler throws with a problem document that leaks nothing", async () => {
  const sink = recordingSink();
  await using app = await openService([], {}, { sink });
  const server = await app.serve((request) => {
    if (new URL(request.url).pathname === "/missing") {
      throw new errors.CqiError("CQI_NOT_FOUND", "Cannot find order of customer 4711");
    }
    throw new Error("password is hunter2");
  });
  const missing = await fetch(`${server.url}/missing`);
  assert.equal(missing.status, 404);
  assert.equal((await missing.json()).code, "CQI_NOT_FOUND");
  const broken = await fetch(server.url);
  const text = await broken.text();
  assert.equal(broken.status, 500);
  assert.doesNotMatch(text, /hunter2|4711|stack/);
  assert.ok(JSON.parse(text).request_id);
  const failed = sink.lines.filter((line) => line.message === "Request failed");
  assert.deepEqual(failed.map((line) => line.level), ["error"]);
});

test("serve() logs, counts and names the request of every answer, a refused one too", async () => {
  const sink = recordingSink();
  await using app = await openService([], {}, { sink });
  const refuse: core.HttpMiddleware = () => {
    throw new errors.CqiError("CQI_UNAUTHENTICATED", "No credentials");
  };
  const inner = core.chain([refuse], () => new Response("never"));
  const server = await app.serve((request, context) => inner(request, context));
  const response = await fetch(server.url, { headers: { "x-request-id": "req-9" } });
  await response.text();
  assert.equal(response.status, 401);
  const access = sink.lines.find((line) => line.status_code === 401);
  assert.equal(access?.request_id, "req-9");
  const { body } = await app.registry.expose();
  assert.match(body, /http_server_requests_total\{[^}]*status_code="401"[^}]*\} 1/);
});

test("a part that is not critical and down degrades readiness, a bus without its broker ends it", async () => {
  const down = { check: () => Promise.resolve({ status: "down" as const }) };
  const nobody = { driver: "kafka", kafka: { brokers: ["127.0.0.1:1"] } };
  const statusOf = async (app: service.Service<never>): Promise<[number, string]> => {
    const server = await app.serve();
    const response = await fetch(`${server.url}/health/ready`);
    return [response.status, (await response.json()).status];
  };
  await using lame = await openService([]);
  lame.health.add("side", down, { critical: false });
  assert.deepEqual(await statusOf(lame), [200, "SERVICE_STATUS_DEGRADED"]);
  await using dead = await openService(["bus"], { eventBus: nobody });
  assert.deepEqual(await statusOf(dead), [503, "SERVICE_STATUS_UNHEALTHY"]);
});

test("close() twice and at once is one closing, and closes in reverse order of opening", async () => {
  const sink = recordingSink();
  const app = await openService(["bus", "cache"], {}, { sink });
  const server = await app.serve();
  await Promise.all([app.close(), app.close()]);
  await app.close();
  await assert.rejects(fetch(server.url));
  await assert.rejects(app.bus.publish("topic", aPriceUpdated()), { code: "CQI_CLOSED" });
  assert.equal(sink.lines.filter((line) => line.message === "Service stops").length, 1);
});
