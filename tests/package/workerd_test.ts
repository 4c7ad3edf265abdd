import assert from "node:assert/strict";
import test from "node:test";
import * as esbuild from "esbuild";
import { consumer, emptyFolder, must, once, packed, pinned, ROOT } from "./_kit.ts";

// Its build of 2026-11-17 knows no later compatibility date.
const WORKERD = "workerd@1.20261117.1";
const COMPATIBILITY_DATE = "2026-11-01";
const START_MS = 20_000;

/** Entry points that need a runtime of their own: services, and what is for tests. */
const NOT_NEUTRAL: readonly string[] = ["@cq/cqi", "@cq/cqi/service", "@cq/cqi/testing"];
/** Drivers whose client library needs Node. */
const NEEDS_NODE_REGEXP =
  /^@cq\/cqi\/(?:metrics\/prometheus|tracing\/otlp|database\/(?:pglite|postgres)|bus\/kafka(?:js)?|cache\/redis)$/;

const folder = once(async () => {
  const { cqi } = await packed();
  const peers = await Promise.all(Object.keys(cqi.json.peerDependencies).map(pinned));
  return consumer([cqi.tarball, ...peers]);
});

async function bundle(name: string, text: string): Promise<string> {
  const root = await folder();
  await Deno.writeTextFile(`${root}/${name}.ts`, text);
  try {
    const result = await esbuild.build({
      absWorkingDir: root,
      entryPoints: [`${name}.ts`],
      bundle: true,
      format: "esm",
      platform: "neutral",
      mainFields: ["module", "main"],
      conditions: ["workerd", "worker", "browser"],
      target: "es2024",
      write: false,
      logLevel: "silent",
    });
    return result.outputFiles[0]!.text;
  } finally {
    await esbuild.stop();
  }
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

const program = once(async () => {
  const path = await must("npx", ["-y", "-p", WORKERD, "-c", "command -v workerd"]);
  return await Deno.realPath(path.trim().split("\n").at(-1)!);
});

async function firstAnswer(url: string): Promise<Response> {
  const until = performance.now() + START_MS;
  for (;;) {
    try {
      return await fetch(url, { signal: AbortSignal.timeout(START_MS) });
    } catch (error) {
      if (performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** Runs a worker and gives what it answers to one request. */
async function ask(code: string): Promise<{ readonly status: number; readonly text: string }> {
  const root = await emptyFolder();
  const port = freePort();
  await Deno.writeTextFile(`${root}/worker.js`, code);
  await Deno.writeTextFile(
    `${root}/config.capnp`,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main)],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]
);
const main :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "${COMPATIBILITY_DATE}"
);
`,
  );
  const child = new Deno.Command(await program(), {
    args: ["serve", "config.capnp"],
    cwd: root,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const errors = new Response(child.stderr).text();
  try {
    const response = await firstAnswer(`http://127.0.0.1:${port}/`);
    return { status: response.status, text: await response.text() };
  } catch (error) {
    child.kill("SIGKILL");
    throw new Error(`Cannot reach workerd: ${await errors}`, { cause: error });
  } finally {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await child.status;
    await errors;
  }
}

test("@cq/cqi/edge publishes, handles, logs and validates in workerd", async () => {
  const text = await Deno.readTextFile(`${ROOT}tests/package/fixtures/worker.ts`);
  const answer = await ask(await bundle("worker", text));
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(JSON.parse(answer.text), {
    handled: "position is large",
    refused: "CQI_CONTRACT_INVALID",
    logged: true,
    cached: "object",
  });
});

test("Every neutral entry point loads in workerd", async () => {
  const { cqi } = await packed();
  const names = Object.keys(cqi.json.exports).map((key) => key.replace(".", "@cq/cqi"))
    .filter((name) => !NOT_NEUTRAL.includes(name) && !NEEDS_NODE_REGEXP.test(name));
  const text = [
    ...names.map((name, i) => `import * as e${i} from "${name}";`),
    `const counts = [${names.map((_, i) => `Object.keys(e${i}).length`).join()}];`,
    "export default { fetch: () => Response.json(counts) };",
  ].join("\n");
  const answer = await ask(await bundle("all", text));
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(
    names.filter((_, i) => JSON.parse(answer.text)[i] === 0),
    [],
  );
});

test("A bundle for workerd cannot have a module of Node", async () => {
  const text = `import { readFileSync } from "node:fs";\nexport default { fetch: readFileSync };`;
  await assert.rejects(bundle("planted", text), /node:fs/);
});
