// Runs the vectors on the runtime that starts it and prints one line a vector. Answers: what was
// decoded as JSON, what was encoded again, what was encoded from the golden JSON, the broken rules.
import { Buffer } from "node:buffer";
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { decode, encode, fromJson, toJson } from "../../contracts/mod.ts";
import { brokenRules, fromLine, typeOf } from "../../tools/vectors/vector.ts";

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const folder = process.argv[2] ?? "";
const lines: string[] = [];
for (const file of readdirSync(folder).sort()) {
  for (const line of readFileSync(`${folder}/${file}`, "utf8").trimEnd().split("\n")) {
    const { type: name, name: vector, bytes, json } = fromLine(line);
    const type = typeOf(name);
    const answer: Record<string, unknown> = { type: name, name: vector };
    try {
      const message = decode(type, bytes);
      answer.json = toJson(type, message);
      answer.bytes = base64(encode(type, message));
      answer.rules = brokenRules(type, message);
    } catch {
      answer.refused = true;
    }
    if (json !== undefined) answer.fromJson = base64(encode(type, fromJson(type, json)));
    lines.push(JSON.stringify(answer));
  }
}
process.stdout.write(lines.join("\n") + "\n");
