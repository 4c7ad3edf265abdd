import assert from "node:assert/strict";
import test from "node:test";
import { DEPENDENCIES, type Dependency } from "../architecture/dependencies.ts";
import {
  consumer,
  must,
  once,
  type Outcome,
  packed,
  pinned,
  programOf,
  ROOT,
  run,
  TARGETS,
  tsc,
} from "./_kit.ts";

const FIXTURES = `${ROOT}tests/package/fixtures`;
const manifest = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));

/** What Node's side of the program is compiled with. */
const NODE_TYPES = { lib: ["esnext"], types: ["node"] };
const WEB_TYPES = { lib: ["esnext", "dom", "dom.iterable", "dom.asynciterable"], types: [] };

const withPeers = once(async () => {
  const { cqi } = await packed();
  const peers = await Promise.all(Object.keys(cqi.json.peerDependencies).map(pinned));
  return consumer([cqi.tarball, await pinned("@types/node"), ...peers]);
});

const withoutPeers = once(async () => {
  const { cqi } = await packed();
  return consumer([cqi.tarball, await pinned("@types/node")]);
});

const contractsOnly = once(async () => {
  const { cqc } = await packed();
  return consumer([cqc.tarball, await pinned("@types/node"), await pinned("@bufbuild/protobuf")]);
});

function entryNames(): string[] {
  return Object.keys(manifest.exports).map((key) => key.replace(".", "@cq/cqi"));
}

function importAll(): string {
  const names = entryNames();
  const imports = names.map((name, i) => `import * as e${i} from "${name}";`);
  const rows = names.map((name, i) => `  ${JSON.stringify(name)}: Object.keys(e${i}).sort(),`);
  return [...imports, "console.log(JSON.stringify({", ...rows, "}));", ""].join("\n");
}

function namesOf(kind: Dependency["kind"]): string[] {
  return Object.keys(DEPENDENCIES).filter((name) => DEPENDENCIES[name]?.kind === kind).sort();
}

/** Copies a fixture, compiles it strictly, and gives the path of the code. */
async function compiled(folder: string, name: string): Promise<string> {
  const source = await Deno.readTextFile(`${FIXTURES}/${name}.ts`);
  const text = name === "contracts_only" ? source.replaceAll("@cq/cqi/cqc", "@cq/cqc") : source;
  await Deno.writeTextFile(`${folder}/${name}.ts`, text);
  const options = { module: "nodenext", ...NODE_TYPES };
  const outcome = await tsc(folder, options, [`${name}.ts`]);
  assert.equal(outcome.code, 0, outcome.text);
  return `${folder}/${name}.js`;
}

const publish = once(async () => compiled(await withPeers(), "publish"));
const missingPeer = once(async () => compiled(await withoutPeers(), "missing_peer"));
const readBack = once(async () => compiled(await contractsOnly(), "contracts_only"));

test("package.json has the name, version, licence and engines of the project", async () => {
  const { json } = (await packed()).cqi;
  assert.equal(json.name, manifest.name);
  assert.equal(json.version, manifest.version);
  assert.equal(json.license, manifest.license);
  assert.deepEqual(json.engines, { node: ">=22.22 <23 || >=24.6" });
  assert.equal(json.type, "module");
  assert.equal(json.sideEffects, false);
  assert.match(json.repository.url, /^git\+https:/);
});

test("package.json offers the entry points of deno.json and no other", async () => {
  const { cqi } = await packed();
  assert.deepEqual(Object.keys(cqi.json.exports), Object.keys(manifest.exports));
  for (const target of Object.values(cqi.json.exports).flatMap((each) => Object.values(each))) {
    assert.ok(cqi.files.includes(target.slice(2)), `${target} is not in the tarball`);
  }
});

test("package.json has the free packages as dependencies and the drivers' as optional peers", async () => {
  const { json } = (await packed()).cqi;
  assert.deepEqual(Object.keys(json.dependencies), namesOf("free"));
  const peers = Object.keys(json.peerDependencies);
  assert.deepEqual(peers, namesOf("driver"));
  assert.deepEqual(Object.keys(json.peerDependenciesMeta), peers);
  assert.ok(Object.values(json.peerDependenciesMeta).every((meta) => meta.optional));
});

test("The tarballs have the schemas of configuration files and the documents of the services", async () => {
  const { cqi, cqc } = await packed();
  const json = (files: readonly string[]): string[] =>
    files.filter((path) => path.endsWith(".json") && path !== "package.json").sort();
  assert.deepEqual(json(cqi.files), [
    "gen/jsonschema/cqi_config.json",
    "gen/jsonschema/cqi_config_part.json",
  ]);
  assert.deepEqual(json(cqc.files), [
    "openapi/asset_registry.json",
    "openapi/market_data.json",
    "openapi/portfolio.json",
    "openapi/risk_engine.json",
    "openapi/venue_gateway.json",
  ]);
});

test("The tarball has README, LICENSE, schemas and compiled code alone", async () => {
  const { files } = (await packed()).cqi;
  assert.ok(files.includes("README.md") && files.includes("LICENSE"));
  const strange = files.filter((path) =>
    !/\.(?:js|d\.ts)$|^(?:package\.json|README\.md|LICENSE|gen\/jsonschema\/\w+\.json)$/
      .test(path)
  );
  assert.deepEqual(strange, []);
  const outside = files.filter((path) => /^(?:tests|tools|examples|benchmarks|proto)\//.test(path));
  assert.deepEqual(outside, []);
});

test("Declarations name no source file", async () => {
  const { files } = (await packed()).cqi;
  for (const path of files.filter((each) => each.endsWith(".d.ts"))) {
    const text = await Deno.readTextFile(`${ROOT}npm/${path}`);
    assert.doesNotMatch(text, /^(?:import|export)\b[^\n]*from "\.[^"]*(?<!\.d)\.ts"/m, path);
  }
});

for (
  const [label, options] of Object.entries({
    "nodenext with the web's types": { module: "nodenext", ...WEB_TYPES },
    "nodenext with Node's types": { module: "nodenext", ...NODE_TYPES },
    "a bundler with the web's types": {
      module: "esnext",
      moduleResolution: "bundler",
      ...WEB_TYPES,
    },
    "a bundler with Node's types": {
      module: "esnext",
      moduleResolution: "bundler",
      ...NODE_TYPES,
    },
  })
) {
  test(`Every entry point compiles strictly for ${label}`, async () => {
    const folder = await withoutPeers();
    await Deno.writeTextFile(`${folder}/all.ts`, importAll());
    const { code, text } = await tsc(folder, { ...options, noEmit: true }, ["all.ts"]);
    assert.equal(code, 0, text);
  });
}

const sourceNames = once(async () => {
  const names: Record<string, string[]> = {};
  for (const [key, path] of Object.entries<string>(manifest.exports)) {
    const module = await import(new URL(path, `file://${ROOT}`).href);
    names[key.replace(".", "@cq/cqi")] = Object.keys(module).sort();
  }
  return names;
});

for (const [label, name] of TARGETS) {
  test(`Every entry point exports on ${label} what its source exports`, async () => {
    const folder = await withPeers();
    await Deno.writeTextFile(`${folder}/all.js`, importAll());
    const stdout = await must(await programOf(name), [`${folder}/all.js`], folder);
    assert.deepEqual(JSON.parse(stdout), await sourceNames());
  });

  test(`The package publishes and handles an event on ${label}`, async () => {
    const path = await publish();
    const stdout = await must(await programOf(name), [path], await withPeers());
    assert.equal(stdout.trim(), "handled cqc.events.v1.RiskAlert");
  });

  test(`A driver without its package says CQI_DRIVER_MISSING on ${label}`, async () => {
    const path = await missingPeer();
    const stdout = await must(await programOf(name), [path], await withoutPeers());
    const { code, message } = JSON.parse(stdout);
    assert.equal(code, "CQI_DRIVER_MISSING", message);
    assert.match(message, /@electric-sql\/pglite/);
  });

  test(`The contracts alone work on ${label}`, async () => {
    const path = await readBack();
    const stdout = await must(await programOf(name), [path], await contractsOnly());
    assert.equal(stdout.trim(), "read back");
  });
}

test("The contracts' package has entry points, a version of its own and two dependencies", async () => {
  const { json } = (await packed()).cqc;
  assert.equal(json.name, "@cq/cqc");
  assert.match(json.version, /^\d+\.\d+\.\d+$/);
  assert.ok("./events/v1" in json.exports);
  assert.deepEqual(Object.keys(json.dependencies), [
    "@bufbuild/protobuf",
    "@bufbuild/protovalidate",
  ]);
  assert.deepEqual(json.peerDependencies, {});
});

test("A version that does not fit the engines is refused by a strict npm", async () => {
  const { cqi } = await packed();
  const [major = 0] = (await must("node", ["-p", "process.versions.node"])).split(".").map(Number);
  const fits = major === 22 || major >= 24;
  const folder = await consumer([]);
  const args = ["install", "--engine-strict", "--ignore-scripts", "--dry-run", cqi.tarball];
  const outcome: Outcome = await run("npm", args, folder);
  assert.equal(outcome.code === 0, fits, outcome.text);
});
