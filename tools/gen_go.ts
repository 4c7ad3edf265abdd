import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Files, readFiles } from "./gen_files.ts";
import { buf, root, run, toolCache } from "./gen_run.ts";

/** Plugins that write the Go code, by the name of the program; Go builds them. */
const PLUGINS: Readonly<Record<string, string>> = {
  "protoc-gen-go": "google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12",
  "protoc-gen-go-grpc": "google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2",
};

/** Builds the pinned plugins, unless they are there, and returns their folder. */
function installPlugins(): string {
  const pins = Object.values(PLUGINS).map((plugin) => plugin.slice(plugin.indexOf("@") + 1));
  const folder = join(toolCache, `go-${pins.join("-")}`);
  for (const [name, plugin] of Object.entries(PLUGINS)) {
    if (existsSync(join(folder, name))) continue;
    run("go", ["install", plugin], { cwd: root, env: { GOBIN: folder, GOFLAGS: "-mod=mod" } });
  }
  return folder;
}

/**
 * Generates the Go code in a scratch folder.
 *
 * @param scratch Empty folder.
 * @returns The files of gen/go/cqc.
 */
export function generateGo(scratch: string): Files {
  const template = {
    version: "v2",
    inputs: [{ directory: ".", paths: ["cqc"] }],
    plugins: Object.keys(PLUGINS).map((local) => ({
      local,
      out: "go",
      opt: ["paths=source_relative"],
    })),
  };
  const args = ["generate", "--template", JSON.stringify(template), "--output", scratch];
  buf(args, { path: installPlugins() });
  return readFiles(join(scratch, "go", "cqc"));
}

/** Compiles and vets the committed Go code with exactly the modules of its go.sum. */
export function checkGo(): void {
  const options = { cwd: join(root, "gen", "go"), env: { GOFLAGS: "-mod=readonly" } };
  run("go", ["mod", "verify"], options);
  run("go", ["build", "./..."], options);
  run("go", ["vet", "./..."], options);
}
