import assert from "node:assert/strict";
import { test } from "node:test";
import { loadDriver } from "../../internal/load_driver.ts";

interface Module {
  createDriver(): string;
}
type Table = Readonly<Record<string, () => Module | Promise<Module>>>;

// Behind a variable: the type checker would look for what is not there.
const file = (name: string) => (): Promise<Module> => import(`./_drivers/${name}.ts`);
const TABLE: Table = { pglite: file("works"), postgres: file("works") };

const load = (name: string, table: Table = TABLE): Promise<Module> =>
  loadDriver("a database", name, table, "CQI_DATABASE_DRIVER_UNKNOWN");

test("loadDriver() loads the one that is named, and no other", async () => {
  const loaded: string[] = [];
  const table = {
    one: () => {
      loaded.push("one");
      return { createDriver: () => "one" };
    },
    two: () => assert.fail("loaded"),
  };
  assert.equal((await load("one", table)).createDriver(), "one");
  assert.deepEqual(loaded, ["one"]);
});

test("loadDriver() takes a module or the promise of one", async () => {
  assert.equal((await load("pglite")).createDriver(), "driver");
});

test("loadDriver() says which drivers are known when one is not", async () => {
  await assert.rejects(load("mysql"), {
    code: "CQI_DATABASE_DRIVER_UNKNOWN",
    message: "Cannot open a database: driver 'mysql' is not known, " +
      "known drivers are 'pglite', 'postgres'",
    details: { driver: "mysql", known: ["pglite", "postgres"] },
  });
});

test("loadDriver() of an empty table says that none is known", async () => {
  await assert.rejects(load("mysql", {}), /known drivers are none$/);
});

test("loadDriver() does not know what every object has", async () => {
  for (const name of ["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf", ""]) {
    await assert.rejects(load(name), { code: "CQI_DATABASE_DRIVER_UNKNOWN" });
  }
});

test("loadDriver() knows a name that was really given, whatever it is", async () => {
  const table = { ["__proto__"]: () => ({ createDriver: () => "own" }) };
  assert.equal((await load("__proto__", table)).createDriver(), "own");
});

test("loadDriver() cuts a long name in its message", async () => {
  const error = await load("x".repeat(10_000)).catch((caught) => caught);
  assert.ok(error.message.length < 300);
});

test("loadDriver() says which package to add when a driver's is not installed", async () => {
  const packages = {
    needs_package: "cqi-test-package-that-is-not-installed",
    needs_scoped_package: "@cqi-test/not-installed",
  };
  for (const [name, missing] of Object.entries(packages)) {
    const error = await load("mine", { mine: file(name) }).catch((caught) => caught);
    assert.equal(error.code, "CQI_DRIVER_MISSING", String(error));
    assert.equal(
      error.message,
      "Cannot open a database: driver 'mine' needs a package that is not installed: " +
        `add '${missing}' to your dependencies`,
    );
    assert.deepEqual(error.details, { driver: "mine", package: missing });
    assert.notEqual(error.cause, undefined);
  }
});

test("loadDriver() says which package to add when the table's import fails itself", async () => {
  const name = "cqi-test-package-that-is-not-installed";
  await assert.rejects(load("mine", { mine: () => import(`${name}`) }), {
    code: "CQI_DRIVER_MISSING",
    details: { driver: "mine", package: name },
  });
});

test("loadDriver() knows how require and npm specifiers name what is missing", async () => {
  const told = [
    [
      "MODULE_NOT_FOUND",
      "Cannot find module 'pg-native'\nRequire stack:\n- /app/a.js",
      "pg-native",
    ],
    ["ERR_MODULE_NOT_FOUND", "npm package '@scope/client' does not exist.", "@scope/client"],
  ] as const;
  for (const [code, message, missing] of told) {
    const failing = () => Promise.reject(Object.assign(new Error(message), { code }));
    await assert.rejects(load("mine", { mine: failing }), {
      details: { driver: "mine", package: missing },
    });
  }
});

test("loadDriver() lets through that a driver lacks a file of its own", async () => {
  const error = await load("mine", { mine: file("needs_file") }).catch((caught) => caught);
  assert.notEqual(error.code, "CQI_DRIVER_MISSING");
  assert.match(String(error.message), /_file_that_is_not_there/);
});

test("loadDriver() lets through what a driver throws while it loads", async () => {
  const error = await load("mine", { mine: file("throws") }).catch((caught) => caught);
  assert.equal(error.message, "Cannot find module: certificate file not found");
});

test("loadDriver() lets through whatever is thrown", async () => {
  const refused = Object.assign(new Error("connection refused"), { code: "ECONNREFUSED" });
  for (const thrown of [refused, new SyntaxError("bad"), undefined, null, "not found", 42]) {
    const failing = () => Promise.reject(thrown);
    const failingAtOnce = (): never => {
      throw thrown;
    };
    for (const mine of [failing, failingAtOnce]) {
      const caught = await load("mine", { mine }).then(() => assert.fail(), (error) => error);
      assert.equal(caught, thrown);
    }
  }
});

test("loadDriver() tries again when it is asked again", async () => {
  let calls = 0;
  const flaky = () => calls++ === 0 ? Promise.reject(new Error("broken")) : file("works")();
  await assert.rejects(load("mine", { mine: flaky }), /broken/);
  assert.equal((await load("mine", { mine: flaky })).createDriver(), "driver");
});
