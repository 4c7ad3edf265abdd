import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { fromJson, type JsonValue, messageType, validate } from "../../contracts/mod.ts";
import { startChild } from "../_child.ts";

const COMMAND = fileURLToPath(new URL("../../tools/import_public_data.ts", import.meta.url));
const TIME = "2026-01-02T08:00:00Z";

async function withFile<T>(use: (path: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "import-"));
  try {
    return await use(join(folder, "out.jsonl"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

const linesOf = (text: string): Record<string, unknown>[] =>
  text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));

test("import_public_data writes each message on a line, and each refused row", async () => {
  await withFile(async (path) => {
    const args = ["chains", "--out", path, "--at", TIME];
    const { code, stdout, stderr } = await startChild(COMMAND, args).ended;
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^1940 rows, 1924 imported, 16 refused$/m);
    assert.match(
      stdout,
      /^refused: Bitlayer Mainnet: cqc\.assets\.v1\.Chain is_testnet import\.testnet_contradiction: /m,
    );
    const lines = linesOf(await readFile(path, "utf8"));
    assert.equal(lines.length, 1924);
    for (const { type, message } of lines) {
      const schema = messageType(String(type))!;
      validate(schema, fromJson(schema, message as JsonValue));
    }
    const refused = linesOf(await readFile(`${path}.refused`, "utf8"));
    assert.equal(refused.length, 16);
    assert.deepEqual(refused[0], {
      row: "Jumbochain Mainnet",
      reasons: [{
        type: "cqc.assets.v1.Chain",
        field: "is_testnet",
        rule: "import.testnet_contradiction",
        reason: "the name says main network, slip44 says test network",
      }],
    });
  });
});

test("import_public_data writes the same file for the same time", async () => {
  const run = (): Promise<string> =>
    withFile(async (path) => {
      const { code } = await startChild(COMMAND, ["aave", "--out", path, "--at", TIME]).ended;
      assert.equal(code, 0);
      return await readFile(path, "utf8");
    });
  assert.equal(await run(), await run());
});

const MISTAKES: Readonly<Record<string, readonly [args: string[], said: RegExp]>> = {
  "nothing to import": [["--out", "x"], /Name one thing to import/],
  "an unknown package": [["coins", "--out", "x"], /Name one thing to import/],
  "a name of every object": [["constructor", "--out", "x"], /Name one thing to import/],
  "two packages": [["tokens", "aave", "--out", "x"], /Name one thing to import/],
  "no file": [["tokens"], /Name a file to write/],
  "an unknown option": [["tokens", "--force"], /force/],
  "a time in words": [["tokens", "--out", "x", "--at", "yesterday"], /RFC 3339/],
  "a time that is none": [["tokens", "--out", "x", "--at", "2026-13-01T00:00:00Z"], /RFC 3339/],
};

for (const [what, [args, said]] of Object.entries(MISTAKES)) {
  test(`import_public_data refuses ${what}`, async () => {
    const { code, stderr } = await startChild(COMMAND, args).ended;
    assert.equal(code, 2);
    assert.match(stderr, said);
    assert.match(stderr, /usage: import_public_data/);
  });
}
