import assert from "node:assert/strict";
import { test } from "node:test";
import { chain, compose, type HttpMiddleware, type Middleware } from "../../core/mod.ts";

type TextLayer = Middleware<string, string[], string>;

/** A layer that notes when it is entered and left. */
const noting = (name: string): TextLayer => async (input, log, next) => {
  log.push(`${name} in`);
  const output = await next(`${input}>${name}`, log);
  log.push(`${name} out`);
  return `${output}<${name}`;
};

const handler = (input: string, log: string[]): string => {
  log.push("handler");
  return `(${input})`;
};

const failing = (): never => {
  throw new Error("broken");
};

const request = (): Request => new Request("http://localhost/");

test("chain() goes in from the first layer to the last, and out the other way", async () => {
  const log: string[] = [];
  const run = chain([noting("a"), noting("b"), noting("c")], handler);
  assert.equal(await run("x", log), "(x>a>b>c)<c<b<a");
  assert.deepEqual(log, ["a in", "b in", "c in", "handler", "c out", "b out", "a out"]);
});

test("chain() of no layers is the handler", async () => {
  assert.equal(await chain([], handler)("x", []), "(x)");
});

test("chain() can be run many times, also at once", async () => {
  const run = chain([noting("a"), noting("b")], handler);
  const inputs = Array.from({ length: 100 }, (_, i) => String(i));
  const outputs = await Promise.all(inputs.map((input) => run(input, [])));
  assert.deepEqual(outputs, inputs.map((input) => `(${input}>a>b)<b<a`));
});

test("chain() is not changed by what happens to the list afterwards", async () => {
  const layers = [noting("a")];
  const run = chain(layers, handler);
  layers.push(noting("late"));
  layers[0] = noting("other");
  assert.equal(await run("x", []), "(x>a)<a");
});

test("chain() stops where a layer answers by itself", async () => {
  const log: string[] = [];
  const answering: TextLayer = () => "answer";
  assert.equal(await chain([noting("a"), answering, noting("b")], handler)("x", log), "answer<a");
  assert.deepEqual(log, ["a in", "a out"]);
});

test("chain() runs the rest again when a layer calls next again, as a retry does", async () => {
  const log: string[] = [];
  const twice: TextLayer = async (input, context, next) =>
    `${await next(input, context)}+${await next(input, context)}`;
  assert.equal(await chain([twice, noting("a")], handler)("x", log), "(x>a)<a+(x>a)<a");
  assert.equal(log.filter((line) => line === "handler").length, 2);
});

test("chain() makes a rejection of what a layer throws at once", async () => {
  const log: string[] = [];
  await assert.rejects(chain<string, string[], string>([failing], handler)("x", log), /broken/);
  assert.deepEqual(log, []);
});

test("chain() lets a layer catch what the handler throws, at once or later", async () => {
  const catching: TextLayer = async (input, context, next) => {
    try {
      return await next(input, context);
    } catch (error) {
      return `caught ${(error as Error).message}`;
    }
  };
  const later = (): Promise<never> => Promise.reject(new Error("broken later"));
  assert.equal(await chain([catching], failing)("x", []), "caught broken");
  assert.equal(await chain([catching], later)("x", []), "caught broken later");
});

test("chain() gives each layer the context that the one before handed on", async () => {
  const adding =
    (name: string): Middleware<string, readonly string[], string> => async (input, context, next) =>
      await next(input, [...context, name]);
  const run = chain([adding("a"), adding("b")], (_input, context) => context.join());
  const given: readonly string[] = ["given"];
  assert.equal(await run("x", given), "given,a,b");
  assert.deepEqual(given, ["given"]);
});

test("compose() makes a fetch handler of a handler that answers at once", async () => {
  const response = compose()(() => new Response("hello"))(request());
  assert.ok(response instanceof Promise);
  assert.equal(await (await response).text(), "hello");
});

test("compose() hands the request's signal on, and an own context to each request", async () => {
  const contexts: object[] = [];
  const fetchHandler = compose()((_request, context) => {
    contexts.push(context);
    return new Response(String(context.signal.aborted));
  });
  const controller = new AbortController();
  const first = new Request("http://localhost/", { signal: controller.signal });
  assert.equal(await (await fetchHandler(first)).text(), "false");
  controller.abort();
  assert.equal(await (await fetchHandler(first)).text(), "true");
  assert.notEqual(contexts[0], contexts[1]);
});

test("compose() rejects with what is thrown, since only service/ answers for errors", async () => {
  await assert.rejects(compose()(failing)(request()), /broken/);
});

test("compose() lets a layer change request, context and response", async () => {
  const layer: HttpMiddleware = async (given, context, next) => {
    const changed = new Request(given, { headers: { "x-tenant": "t1" } });
    const response = await next(changed, { ...context, route: "/orders/:id" });
    return new Response(response.body, { status: 201 });
  };
  const response = await compose(layer)((got, context) =>
    new Response(`${got.headers.get("x-tenant")} ${context.route}`)
  )(request());
  assert.equal(response.status, 201);
  assert.equal(await response.text(), "t1 /orders/:id");
});
