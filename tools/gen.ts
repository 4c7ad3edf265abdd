/**
 * Generates everything that is derived from the contracts in proto/ and checks it.
 *
 * Usage: `deno run -A tools/gen.ts deps|lint|format|breaking [ref]|release|ts|check`
 *
 * Needs Deno, npm (buf comes from its npm package), Go (whose module proxy delivers the rules of
 * buf.validate) and Python with pip (whose index delivers google.api.http). The same sources give
 * the same bytes.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { argv, env, execPath, exit, stderr } from "node:process";
import { fileURLToPath } from "node:url";
import { differences, writeIfChanged } from "./gen_files.ts";
import { releaseImage, writeDescriptors, writeTypeScriptIndexes } from "./gen_ts.ts";
import { fetchThirdParty } from "./gen_third_party.ts";

const BUF = "@bufbuild/buf@1.75.0";
const root = fileURLToPath(new URL("..", import.meta.url));
const proto = join(root, "proto");
/** Descriptors of the last release, without comments, that `breaking` compares with. */
const released = join(root, "proto", "released.binpb.gz");

function fail(message: string): never {
  stderr.write(`${message}\n`);
  exit(1);
}

/** Runs a program and returns its standard output; ends the process when it fails. */
function run(command: string, args: readonly string[], cwd: string = proto): Uint8Array {
  // buf starts the plugin as `deno`, so the running one must be found first.
  const path = `${dirname(execPath)}${delimiter}${env.PATH ?? ""}`;
  const done = spawnSync(command, args, {
    cwd,
    env: { ...env, PATH: path },
    maxBuffer: 1 << 28,
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (done.error !== undefined) {
    throw new Error(`Cannot start "${command}": it must be installed`, { cause: done.error });
  }
  if (done.status !== 0) {
    stderr.write(done.stdout);
    fail(`Failed: ${command} ${args.join(" ")}`);
  }
  return done.stdout;
}

const buf = (...args: string[]): Uint8Array => run("npx", ["-y", BUF, ...args]);

function deps(): void {
  fetchThirdParty(join(proto, ".third_party"), (command, args) => run(command, args, root));
}

/** Generates TypeScript and the descriptor image below `out`. */
function generate(out: string): void {
  deps();
  const scratch = mkdtempSync(join(tmpdir(), "cqc-"));
  try {
    // The template writes to ../gen/ts, seen from this folder.
    buf("generate", "--output", join(scratch, "proto"));
    const image = join(scratch, "image.binpb");
    buf("build", "--as-file-descriptor-set", "--output", image);
    const files = writeDescriptors(readFileSync(image));
    const ts = writeTypeScriptIndexes(join(scratch, "gen", "ts"));
    writeIfChanged(join(out, "ts"), ts);
    writeIfChanged(join(out, "descriptor"), files);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function check(): void {
  const fresh = mkdtempSync(join(tmpdir(), "cqc-check-"));
  try {
    generate(fresh);
    const changed = ["ts", "descriptor"].flatMap((part) =>
      differences(join(root, "gen", part), join(fresh, part)).map((file) => `gen/${part}/${file}`)
    );
    if (changed.length > 0) {
      fail(`Generated files are out of date, run "make generate":\n${changed.join("\n")}`);
    }
  } finally {
    rmSync(fresh, { recursive: true });
  }
}

/** Compares the contracts with those of the last release, or of the given git ref. */
function breaking(ref: string | undefined): void {
  deps();
  const scratch = mkdtempSync(join(tmpdir(), "cqc-breaking-"));
  try {
    let image = released;
    if (ref !== undefined) {
      image = join(scratch, "released.binpb");
      writeFileSync(image, run("git", ["show", `${ref}:gen/descriptor/cqc.binpb`], root));
    }
    const current = join(scratch, "current.binpb");
    buf("build", "--output", current);
    // An image has no workspace, so what buf.yaml says is said again.
    const config = JSON.stringify({ version: "v2", breaking: { use: ["FILE"] } });
    buf("breaking", current, "--against", image, "--path", "cqc", "--config", config);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** Makes the contracts as they are the ones that `breaking` compares with from now on. */
function release(): void {
  breaking(undefined);
  writeFileSync(released, releaseImage(readFileSync(join(root, "gen", "descriptor", "cqc.binpb"))));
}

const commands: Readonly<Record<string, (argument: string | undefined) => void>> = {
  deps,
  lint: () => {
    deps();
    buf("lint");
    buf("format", "--diff", "--exit-code", "--path", "cqc");
  },
  format: () => {
    deps();
    buf("format", "--write", "--path", "cqc");
  },
  breaking,
  release,
  ts: () => generate(join(root, "gen")),
  check,
};

const command = commands[argv[2] ?? ""];
if (command === undefined) {
  fail(`Unknown command "${argv[2] ?? ""}", want one of: ${Object.keys(commands).join(", ")}`);
}
command(argv[3]);
