import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Runs a program and returns its standard output. */
export type Run = (command: string, args: string[]) => Uint8Array;

/** Some .proto files of others, as their authors publish them. */
interface Source {
  /** Name of the folder that holds them. */
  readonly folder: string;
  /** The published package, pinned. */
  readonly published: string;
  /** What is used of it, with the SHA-256 of the pinned version. */
  readonly files: Readonly<Record<string, string>>;
  /** Fetches the package and hands over the folder that holds the files. */
  readonly fetch: (published: string, run: Run, use: (folder: string) => void) => void;
}

const SOURCES: readonly Source[] = [
  {
    folder: "protovalidate",
    published: "github.com/bufbuild/protovalidate@v1.2.2",
    files: {
      "buf/validate/validate.proto":
        "a1dc1163ebac930b3b070655b91f2bc78df8b4aea940021661fe5ec7904a7b88",
    },
    fetch: fromGo,
  },
  {
    folder: "googleapis",
    published: "googleapis-common-protos==1.76.0",
    files: {
      "google/api/annotations.proto":
        "e79ea741cb605a65e78ca322174764a4af9fde1962c1631e12b84c4934ba9a6c",
      "google/api/http.proto": "ead99129aa15dd5f6233942030c72eec33bc0d7b1c7c260dc143293ef66c5b78",
    },
    fetch: fromPyPI,
  },
];

/** Reads a Go module from the module proxy; its files are below proto/protovalidate. */
function fromGo(published: string, run: Run, use: (folder: string) => void): void {
  const answer = JSON.parse(
    new TextDecoder().decode(run("go", ["mod", "download", "-json", published])),
  ) as { Dir: string };
  use(join(answer.Dir, "proto/protovalidate"));
}

/** Reads a wheel from the Python package index; its files are at the top. */
function fromPyPI(published: string, run: Run, use: (folder: string) => void): void {
  const scratch = mkdtempSync(join(tmpdir(), "cqc-wheel-"));
  try {
    const quiet = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"];
    run("python3", ["-m", "pip", "download", ...quiet, "--dest", scratch, published]);
    const wheel = readdirSync(scratch).find((name) => name.endsWith(".whl"));
    if (wheel === undefined) throw new Error(`Cannot find a wheel of ${published}`);
    run("python3", ["-m", "zipfile", "-e", join(scratch, wheel), join(scratch, "files")]);
    use(join(scratch, "files"));
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

const intact = (folder: string, files: Source["files"]): boolean =>
  Object.entries(files).every(([file, want]) => {
    const path = join(folder, file);
    return existsSync(path) &&
      createHash("sha256").update(readFileSync(path)).digest("hex") === want;
  });

/**
 * Puts the .proto files of others that ours import below `folder`, from their published packages.
 * They are never committed. Does nothing when they are there already.
 */
export function fetchThirdParty(folder: string, run: Run): void {
  for (const source of SOURCES) {
    const target = join(folder, source.folder);
    if (intact(target, source.files)) continue;
    rmSync(target, { recursive: true, force: true });
    source.fetch(source.published, run, (from) => {
      for (const file of Object.keys(source.files)) {
        cpSync(join(from, file), join(target, file), { recursive: true });
      }
    });
    if (!intact(target, source.files)) {
      throw new Error(`Cannot use ${source.published}: its files differ from the pinned ones`);
    }
  }
}
