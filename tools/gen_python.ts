import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Files, readFiles } from "./gen_files.ts";
import { proto, root, run, toolCache } from "./gen_run.ts";

/** Compiler and plugins that write the Python code. */
const PINS: readonly string[] = [
  "grpcio-tools==1.85.1",
  "mypy-protobuf==5.1.0",
  "protobuf==7.36.2",
];

/** Where others' .proto files are looked for, after our own. */
const INCLUDES: readonly string[] = [".", ".third_party/protovalidate", ".third_party/googleapis"];

/** Makes a virtual environment with the pinned compiler, unless it is there, and says where. */
function installCompiler(): string {
  const folder = join(toolCache, `python-${PINS.map((pin) => pin.split("==")[1]).join("-")}`);
  // Made last, so that what broke off is made anew.
  const mark = join(folder, "installed");
  if (!existsSync(mark)) {
    rmSync(folder, { recursive: true, force: true });
    run("python3", ["-m", "venv", folder], { cwd: root });
    const quiet = ["--quiet", "--disable-pip-version-check"];
    run(join(folder, "bin", "python"), ["-m", "pip", "install", ...quiet, ...PINS], { cwd: root });
    mkdirSync(mark);
  }
  return join(folder, "bin");
}

/**
 * Generates the Python code in a scratch folder: messages and their stubs for each file, clients
 * and servers with their stubs for each file that has a service.
 *
 * @param scratch Empty folder.
 * @param files The files of proto/, those with a service marked.
 * @returns The files of gen/python/cqc.
 */
export function generatePython(
  scratch: string,
  files: readonly { readonly path: string; readonly hasService: boolean }[],
): Files {
  const path = installCompiler();
  const protoc = (outputs: readonly string[], inputs: typeof files): void => {
    const names = inputs.map((file) => file.path);
    const includes = INCLUDES.map((folder) => `--proto_path=${folder}`);
    const args = ["-m", "grpc_tools.protoc", ...includes, ...outputs, ...names];
    run(join(path, "python"), args, { cwd: proto, path });
  };
  protoc([`--python_out=${scratch}`, `--mypy_out=quiet:${scratch}`], files);
  protoc(
    [`--grpc_python_out=${scratch}`, `--mypy_grpc_out=quiet:${scratch}`],
    files.filter((file) => file.hasService),
  );
  return withPackages(readFiles(join(scratch, "cqc")));
}

/** Adds what makes folders packages, and the mark that says that the code is typed. */
function withPackages(generated: Files): Files {
  const files = new Map(generated);
  const folders = [...generated.keys()].flatMap((path) => {
    const parts = path.split("/").slice(0, -1);
    return parts.map((_, index) => `${parts.slice(0, index + 1).join("/")}/`);
  });
  for (const folder of new Set(["", ...folders])) files.set(`${folder}__init__.py`, EMPTY);
  files.set("py.typed", EMPTY);
  return files;
}

const EMPTY = new Uint8Array();
