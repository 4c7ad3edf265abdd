/**
 * Generates everything that is derived from the contracts in proto/ and checks it.
 *
 * Usage: `deno run -A tools/gen.ts deps|lint|format|breaking [ref]|release|all|ts|go|python|
 * openapi|jsonschema|check|check-go`
 *
 * Needs Deno, npm (buf comes from its npm package), Go (whose module proxy delivers the rules of
 * buf.validate and the plugins for Go) and Python with pip (whose index delivers google.api.http and
 * the compiler for Python). The same sources give the same bytes.
 *
 * @module
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { argv } from "node:process";
import { differences, type Files, writeIfChanged } from "./gen_files.ts";
import { checkGo, generateGo } from "./gen_go.ts";
import { generateJsonSchema } from "./gen_jsonschema.ts";
import { generateOpenApi } from "./gen_openapi.ts";
import { generatePython } from "./gen_python.ts";
import { buf, fail, proto, root, run } from "./gen_run.ts";
import { protoFiles, releaseImage, writeDescriptors, writeTypeScriptIndexes } from "./gen_ts.ts";
import { fetchThirdParty } from "./gen_third_party.ts";

/** Descriptors of the last release, without comments, that `breaking` compares with. */
const released = join(root, "proto", "released.binpb.gz");

/** What is generated, each with the folders of gen/ that it fills. */
const PARTS = {
  ts: ["ts", "descriptor"],
  go: ["go/cqc"],
  python: ["python/cqc"],
  openapi: ["openapi"],
  jsonschema: ["jsonschema"],
} as const;
type Part = keyof typeof PARTS;
const ALL = Object.keys(PARTS) as Part[];

function deps(): void {
  fetchThirdParty(
    join(proto, ".third_party"),
    (command, args) => run(command, args, { cwd: root }),
  );
}

/** Generates parts, each into its folders below `out`. */
function generate(out: string, parts: readonly Part[]): void {
  deps();
  const scratch = mkdtempSync(join(tmpdir(), "cqc-"));
  const write = (folder: string, files: Files): void => writeIfChanged(join(out, folder), files);
  try {
    const imageFile = join(scratch, "image.binpb");
    buf(["build", "--as-file-descriptor-set", "--output", imageFile]);
    const image = readFileSync(imageFile);
    if (parts.includes("ts")) {
      // The template writes to ../gen/ts, seen from this folder.
      buf(["generate", "--output", join(scratch, "proto")]);
      write("ts", writeTypeScriptIndexes(join(scratch, "gen", "ts")));
      write("descriptor", writeDescriptors(image));
    }
    if (parts.includes("go")) write("go/cqc", generateGo(join(scratch, "gen")));
    if (parts.includes("python")) {
      mkdirSync(join(scratch, "python"));
      write("python/cqc", generatePython(join(scratch, "python"), protoFiles(image)));
    }
    if (parts.includes("openapi")) write("openapi", generateOpenApi(image).files);
    if (parts.includes("jsonschema")) write("jsonschema", generateJsonSchema(image));
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function check(): void {
  const fresh = mkdtempSync(join(tmpdir(), "cqc-check-"));
  try {
    generate(fresh, ALL);
    const changed = ALL.flatMap((part) => PARTS[part]).flatMap((folder) =>
      differences(join(root, "gen", folder), join(fresh, folder))
        .map((file) => `gen/${folder}/${file}`)
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
      writeFileSync(image, run("git", ["show", `${ref}:gen/descriptor/cqc.binpb`], { cwd: root }));
    }
    const current = join(scratch, "current.binpb");
    buf(["build", "--output", current]);
    // An image has no workspace, so what buf.yaml says is said again.
    const config = JSON.stringify({ version: "v2", breaking: { use: ["FILE"] } });
    buf(["breaking", current, "--against", image, "--path", "cqc", "--config", config]);
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
    buf(["lint"]);
    buf(["format", "--diff", "--exit-code", "--path", "cqc"]);
  },
  format: () => {
    deps();
    buf(["format", "--write", "--path", "cqc"]);
  },
  breaking,
  release,
  all: () => generate(join(root, "gen"), ALL),
  ts: () => generate(join(root, "gen"), ["ts"]),
  go: () => generate(join(root, "gen"), ["go"]),
  python: () => generate(join(root, "gen"), ["python"]),
  openapi: () => generate(join(root, "gen"), ["openapi"]),
  jsonschema: () => generate(join(root, "gen"), ["jsonschema"]),
  "check-go": checkGo,
  check,
};

const command = commands[argv[2] ?? ""];
if (command === undefined) {
  fail(`Unknown command "${argv[2] ?? ""}", want one of: ${Object.keys(commands).join(", ")}`);
}
command(argv[3]);
