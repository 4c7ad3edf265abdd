import assert from "node:assert/strict";
import test from "node:test";
import { deno } from "./_docs.ts";
import { closureOf } from "./_imports.ts";
import { entriesOf } from "./_manifest.ts";
import {
  bareNamesOnly,
  clientsOnlyInDrivers,
  entriesReachNoClient,
  neutralEntriesReachNoBuiltin,
  oneClientPerDriver,
} from "./_packages.ts";
import { caught, readProject, ROOT } from "./_project.ts";

test("Only drivers import client libraries, and the free list has one home each", () => {
  assert.deepEqual(clientsOnlyInDrivers(readProject()), []);
});

test("clientsOnlyInDrivers() catches a client library in a facade", () => {
  const plants = { "metrics/planted.ts": `import { Registry } from "prom-client";` };
  assert.equal(caught(clientsOnlyInDrivers, plants).length, 1);
});

test("clientsOnlyInDrivers() catches the type of a client library in a facade", () => {
  const plants = { "metrics/planted.ts": `import type { Registry } from "prom-client";` };
  assert.equal(caught(clientsOnlyInDrivers, plants).length, 1);
});

test("clientsOnlyInDrivers() catches a package of the free list away from its home", () => {
  const plants = { "bus/planted.ts": `import { trace } from "@opentelemetry/api";` };
  assert.equal(caught(clientsOnlyInDrivers, plants).length, 1);
});

test("clientsOnlyInDrivers() accepts protobuf anywhere", () => {
  const plants = { "bus/planted.ts": `import { create } from "@bufbuild/protobuf/wkt";` };
  assert.deepEqual(caught(clientsOnlyInDrivers, plants), []);
});

test("A driver imports one client library", () => {
  assert.deepEqual(oneClientPerDriver(readProject()), []);
});

test("oneClientPerDriver() catches a driver that imports two", () => {
  const plants = { "bus/drivers/planted.ts": `import "pino";\nimport "prom-client";` };
  assert.deepEqual(caught(oneClientPerDriver, plants), [
    "bus/drivers/planted.ts imports pino and prom-client",
  ]);
});

test("oneClientPerDriver() counts what private files beside the driver import", () => {
  const plants = {
    "bus/drivers/planted.ts": `import "./_planted.ts";\nimport "pino";`,
    "bus/drivers/_planted.ts": `import "prom-client";`,
  };
  assert.equal(caught(oneClientPerDriver, plants).length, 1);
});

test("oneClientPerDriver() counts a vendor's packages as one", () => {
  const plants = {
    "tracing/drivers/planted.ts": `import "@opentelemetry/a";\nimport "@opentelemetry/b/c";`,
  };
  assert.deepEqual(caught(oneClientPerDriver, plants), []);
});

test("Third parties are imported by bare name", () => {
  assert.deepEqual(bareNamesOnly(readProject()), []);
});

test("bareNamesOnly() catches an inline npm specifier", () => {
  const plants = { "bus/planted.ts": `import "npm:pino@10.4.0";` };
  assert.equal(caught(bareNamesOnly, plants).length, 1);
});

test("An entry point reaches no client library, and a driver only its own", () => {
  assert.deepEqual(entriesReachNoClient(readProject()), []);
});

test("entriesReachNoClient() catches a facade that reaches its driver lazily", () => {
  const text = readProject().get("errors/mod.ts") ?? "";
  const plants = {
    "errors/mod.ts": `${text}\nexport const d = () => import("../metrics/drivers/prometheus.ts");`,
    "metrics/drivers/prometheus.ts": `import "prom-client";`,
  };
  const sentences = caught(entriesReachNoClient, plants);
  assert.ok(sentences.includes("./errors reaches prom-client"), sentences.join("\n"));
});

test("entriesReachNoClient() catches a driver that reaches another's client", () => {
  const plants = {
    "metrics/drivers/prometheus.ts": `import "./planted.ts";\nimport "prom-client";`,
    "metrics/drivers/planted.ts": `import "pino";`,
  };
  assert.deepEqual(caught(entriesReachNoClient, plants), [
    "./metrics/prometheus reaches pino",
    "./metrics/prometheus reaches metrics/drivers/planted.ts",
  ]);
});

test("Neutral entry points reach no module of a runtime", () => {
  assert.deepEqual(neutralEntriesReachNoBuiltin(readProject()), []);
});

test("neutralEntriesReachNoBuiltin() catches one that is reached over another module", () => {
  const text = readProject().get("internal/ids.ts") ?? "";
  const plants = {
    "internal/ids.ts": `${text}\nimport "node:fs";`,
    "core/mod.ts": `import "../internal/ids.ts";`,
  };
  assert.ok(caught(neutralEntriesReachNoBuiltin, plants).includes("./core reaches node:fs"));
});

interface InfoModule {
  readonly specifier: string;
  readonly dependencies?: readonly {
    readonly specifier: string;
    readonly code?: { readonly specifier?: string };
    readonly type?: { readonly specifier?: string };
  }[];
}

/** Files of the project behind an entry point, as Deno follows them. */
async function denoClosure(path: string): Promise<string[]> {
  const root = new URL(`file://${ROOT}`).href;
  const { text } = await deno(["info", "--json", path]);
  const modules: InfoModule[] = JSON.parse(text.slice(0, text.lastIndexOf("}") + 1)).modules;
  const bySpecifier = new Map(modules.map((each) => [each.specifier, each]));
  const seen = new Set([root + path]);
  for (const specifier of seen) {
    for (const { code } of bySpecifier.get(specifier)?.dependencies ?? []) {
      if (code?.specifier?.startsWith(root)) seen.add(code.specifier);
    }
  }
  return [...seen].map((specifier) => specifier.slice(root.length)).sort();
}

test("Deno sees the same files behind each entry point as these rules do", async () => {
  const files = readProject();
  for (const path of new Set(entriesOf(files).values())) {
    if (!files.has(path)) continue;
    assert.deepEqual([...closureOf(files, path).files].sort(), await denoClosure(path), path);
  }
});
