// deno-lint-ignore-file no-console -- a command line tool speaks on the console
/**
 * Builds the npm packages with plain tsc: `deno run -A tools/build_npm.ts` writes `npm/`
 * (`@cq/cqi`) and `npm-cqc/` (`@cq/cqc`), ready for `npm publish`.
 */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { type DenoManifest, npmManifest } from "./npm_package/manifest.ts";
import { type NpmPackage, PACKAGES } from "./npm_package/packages.ts";
import { readSources, rewriteDeclarations, type Source } from "./npm_package/sources.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
// Beside it lies a package.json of type module, which the root must not have; packages are found
// in the root's node_modules.
const STAGE = `${ROOT}.cache/npm-source`;

async function removeFolder(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function write(path: string, text: string): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.writeTextFile(path, text);
}

async function compile(output: string): Promise<void> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", "node_modules/typescript/lib/tsc.js", "--pretty", "false"]
      .concat("-p", "tools/tsconfig.npm.json", "--outDir", output),
    cwd: ROOT,
    stderr: "inherit",
  }).output();
  if (!success) {
    throw new Error(`Cannot build: tsc found mistakes\n${new TextDecoder().decode(stdout)}`);
  }
}

async function rewriteAll(folder: string): Promise<void> {
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) await rewriteAll(path);
    else if (path.endsWith(".d.ts")) {
      await Deno.writeTextFile(path, rewriteDeclarations(path, await Deno.readTextFile(path)));
    }
  }
}

function relativeTo(pack: NpmPackage, source: Source): string {
  return pack.source === "." ? source.path : source.path.slice(pack.source.length + 1);
}

async function build(pack: NpmPackage, manifest: DenoManifest): Promise<string> {
  const sources = await readSources(ROOT, pack.source);
  const output = ROOT + pack.output;
  await removeFolder(STAGE);
  await removeFolder(output);
  await write(`${STAGE}/package.json`, `{ "type": "module" }\n`);
  for (const source of sources) await write(`${STAGE}/${relativeTo(pack, source)}`, source.text);
  await compile(output);
  await rewriteAll(output);
  const json = npmManifest(manifest, pack, sources);
  await write(`${output}/package.json`, JSON.stringify(json, null, 2) + "\n");
  for (const name of ["README.md", "LICENSE"]) {
    await Deno.copyFile(ROOT + name, `${output}/${name}`);
  }
  const { from, to } = pack.documents;
  for await (const { name } of Deno.readDir(ROOT + from)) {
    await write(`${output}/${to}/${name}`, await Deno.readTextFile(`${ROOT}${from}/${name}`));
  }
  await removeFolder(STAGE);
  return `${pack.output}/: ${json.name} ${json.version}, ${
    Object.keys(json.exports).length
  } entry points`;
}

async function main(): Promise<void> {
  const manifest: DenoManifest = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  for (const pack of PACKAGES) console.log(await build(pack, manifest));
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exitCode = 1;
  }
}
