import { createHash } from "node:crypto";
import { cpSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

/** Go module that publishes the .proto files of buf.validate. */
const MODULE = "github.com/bufbuild/protovalidate@v1.2.2";
/** Folder of the module that holds them. */
const FOLDER = "proto/protovalidate";
/** What is used of it, with the SHA-256 of the pinned version. */
const FILES: Readonly<Record<string, string>> = {
  "buf/validate/validate.proto": "a1dc1163ebac930b3b070655b91f2bc78df8b4aea940021661fe5ec7904a7b88",
};

const intact = (folder: string): boolean =>
  Object.entries(FILES).every(([file, want]) => {
    const path = join(folder, file);
    return existsSync(path) &&
      createHash("sha256").update(readFileSync(path)).digest("hex") === want;
  });

/**
 * Puts the .proto files of others that ours import below `folder`, from their published packages.
 * They are never committed. Does nothing when they are there already.
 */
export function fetchThirdParty(folder: string, go: (args: string[]) => Uint8Array): void {
  const target = join(folder, "protovalidate");
  if (intact(target)) return;
  const answer = JSON.parse(
    new TextDecoder().decode(go(["mod", "download", "-json", MODULE])),
  ) as { Dir: string };
  rmSync(target, { recursive: true, force: true });
  for (const file of Object.keys(FILES)) {
    cpSync(join(answer.Dir, FOLDER, file), join(target, file), { recursive: true });
  }
  if (!intact(target)) {
    throw new Error(`Cannot use ${MODULE}: its files differ from the pinned ones`);
  }
}
