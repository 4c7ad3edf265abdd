// deno-lint-ignore-file no-console -- a command line tool speaks on the console
/**
 * Writes testdata/vectors: messages with what every language must make of them, made from the
 * Examples and the rules of the contracts. One file a package, one vector a line.
 *
 * Usage: `deno run -A tools/vectors.ts [--check]`; with `--check` it compares and writes nothing.
 *
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { argv, exit } from "node:process";
import { fileURLToPath } from "node:url";
import { messageTypes } from "../contracts/mod.ts";
import { differences, type Files, writeIfChanged } from "./gen_files.ts";
import { InvalidMessages, type LeftOut } from "./vectors/invalid.ts";
import { malformed, withUnknown } from "./vectors/malformed.ts";
import { ValidMessages } from "./vectors/valid.ts";
import { toLine, type Vector, vectorOf } from "./vectors/vector.ts";

const FOLDER = fileURLToPath(new URL("../testdata/vectors", import.meta.url));

/** All vectors by package, and the rules that none of them breaks. */
function makeVectors(): { vectors: Map<string, Vector[]>; leftOut: readonly LeftOut[] } {
  const valid = new ValidMessages();
  const invalid = new InvalidMessages(valid);
  const vectors = new Map<string, Vector[]>();
  for (const type of messageTypes) {
    const smallest = vectorOf(type, "smallest", valid.smallest(type));
    const others = [...valid.covering(type)].map(([name, json]) => vectorOf(type, name, json));
    const bad = [smallest, ...others].find((vector) => vector.json === undefined);
    if (bad !== undefined) {
      throw new Error(`Cannot use ${bad.type} "${bad.name}", it breaks ${bad.rules?.join(", ")}`);
    }
    const list = vectors.get(type.file.proto.package) ?? [];
    vectors.set(type.file.proto.package, list);
    if (list.length === 0) {
      const unknown = { ...smallest, name: "unknown field", bytes: withUnknown(smallest.bytes) };
      list.push(unknown, ...malformed(type, smallest.bytes));
    }
    list.push(smallest, ...others, ...invalid.of(type));
  }
  return { vectors, leftOut: invalid.leftOut };
}

function filesOf(vectors: ReadonlyMap<string, readonly Vector[]>): Files {
  const encoder = new TextEncoder();
  return new Map([...vectors].map(([name, list]) => {
    const path = `${name.split(".")[1]}.jsonl`;
    return [path, encoder.encode(list.map((vector) => `${toLine(vector)}\n`).join(""))];
  }));
}

function main(): void {
  const { vectors, leftOut } = makeVectors();
  const all = [...vectors.values()].flat();
  const isOk = (vector: Vector): boolean => vector.json !== undefined;
  for (const { rule, reason } of leftOut) console.log(`left out: ${rule}: ${reason}`);
  console.log(
    `${all.length} vectors of ${messageTypes.length} messages: ${all.filter(isOk).length} valid, ` +
      `${all.filter((each) => each.rules === undefined).length} malformed, the others break a rule`,
  );
  if (!argv.includes("--check")) return writeIfChanged(FOLDER, filesOf(vectors));
  const fresh = mkdtempSync(join(tmpdir(), "cqc-vectors-"));
  try {
    writeIfChanged(fresh, filesOf(vectors));
    const changed = differences(FOLDER, fresh);
    if (changed.length === 0) return;
    console.error(`Vectors are out of date, run "make generate": ${changed.join(", ")}`);
    exit(1);
  } finally {
    rmSync(fresh, { recursive: true });
  }
}

main();
