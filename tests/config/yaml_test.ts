import assert from "node:assert/strict";
import { test } from "node:test";
import { load, yamlText } from "../../config/mod.ts";
import { file, mistakesIn, problemsOf, service } from "./_helpers.ts";

async function host(value: string): Promise<string | undefined> {
  const { cqi } = await load({ sources: [service, file(`server: { host: ${value} }`)] });
  return cqi.server?.host;
}

test("yaml is read by the core schema: no surprise for no, yes, dates and old octal (C3)", async () => {
  for (
    const text of ["no", "yes", "on", "off", "NO", "2026-01-31", "0o17", "0x1F", "1_000", "1:30"]
  ) {
    assert.equal(await host(text), text);
  }
  assert.equal(await host("1.10"), "1.10");
});

test("yaml refuses what is no whole number where one is wanted (C3)", async () => {
  const table = [
    "1_000",
    "0o17",
    "017",
    "0x1F",
    "1e3",
    "1.5",
    ".inf",
    "no",
    "-1",
    "4294967296",
    "''",
    "[1]",
  ];
  for (const text of table) {
    const [mistake] = await mistakesIn(`server: { http_port: ${text} }`);
    assert.match(mistake ?? "", /^config\.yaml:1 server\.http_port: must be/, text);
  }
});

test("yaml refuses each construct that a configuration has no use for, with its line (C1, C3)", async () => {
  const deep = (count: number) => "[".repeat(count) + "]".repeat(count);
  const table: [string, string, RegExp][] = [
    ["a tag", "a: 1\nb: !!binary aGk=", /^config\.yaml:2 : uses a tag/],
    ["a tag of the core schema", "a: !!str 1", /^config\.yaml:1 : uses a tag/],
    ["an own tag", "a: !env HOME", /^config\.yaml:1 : uses a tag/],
    ["a directive", "%YAML 1.1\n---\na: no", /^config\.yaml:1 : uses a directive/],
    [
      "a repeated key",
      "log: { level: info }\nlog: { level: warn }",
      /^config\.yaml:2 log: is set twice/,
    ],
    [
      "a repeated key within",
      "log:\n  level: info\n  level: warn",
      /^config\.yaml:3 log\.level: is set twice/,
    ],
    ["a merge key", "a: &a { b: 1 }\nlog: { <<: *a }", /^config\.yaml:2 log: uses a merge key/],
    ["several documents", "log: {}\n---\nlog: {}", /holds several documents/],
    ["a list at the top", "- a", /^config\.yaml:1 : must hold settings by name at the top$/],
    ["text at the top", "hello", /^config\.yaml:1 : must hold settings by name at the top$/],
    ["a tab", "log:\n\tlevel: info", /^config\.yaml:2 : is not valid YAML/],
    ["an open quote", 'log: { level: "info }', /^config\.yaml:1 : is not valid YAML/],
    [
      "an unknown alias",
      "log: *nothing",
      /^config\.yaml:1 log: uses an alias that has no anchor/,
    ],
    ["an alias to itself", "log: &a { b: *a }", /contains itself through an alias/],
    ["10,000 brackets", "a: " + "[".repeat(10_000), /^config\.yaml:1 : nests more than 64 levels$/],
    ["65 levels in brackets", "a: " + deep(65), /nests more than 64 levels/],
    [
      "dashes in a row",
      "a:\n  " + "- ".repeat(10_000) + "1",
      /^config\.yaml:2 : nests more than 64/,
    ],
    ["question marks in a row", "? ".repeat(10_000), /nests more than 64 levels/],
    ["a map as a key", "{ a: 1 }: 2", /has a name that is not plain text/],
  ];
  for (const [what, text, wanted] of table) {
    const found = await mistakesIn(text);
    assert(found.some((mistake) => wanted.test(mistake)), `${what}: ${found.join("\n")}`);
  }
});

test("yaml refuses 65 levels of indentation", async () => {
  const text = Array.from({ length: 66 }, (_, i) => " ".repeat(i) + "a:").join("\n");
  assert(
    await mistakesIn(text).then((found) => found.some((each) => /nests more than 64/.test(each))),
  );
});

test("yaml refuses a bomb of aliases before it grows (C1)", async () => {
  const lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"];
  for (let i = 1; i < 9; i++) {
    lines.push(`a${i}: &a${i} [${Array(9).fill(`*a${i - 1}`).join(",")}]`);
  }
  const found = await mistakesIn(lines.join("\n"));
  assert(
    found.some((each) => /has more than 20000 values, counting what aliases stand for/.test(each)),
  );
});

test("yaml lets an honest alias stand for its anchor", async () => {
  const { cqi } = await load({
    sources: [service, file("cache: { default_ttl: &ttl 5m }\nsecrets: { cache_ttl: *ttl }")],
  });
  assert.equal(cqi.secrets?.cacheTtl?.seconds, 300n);
});

test("yaml refuses a text beyond 1 MiB, and one with too many tokens (C1)", async () => {
  const table: [string, RegExp][] = [
    ["#".repeat(1_048_577), /is larger than 1048576 bytes/],
    ["é".repeat(600_000), /is larger than 1048576 bytes/],
    ["\n".repeat(1_000_000), /has more than 100000 tokens/],
  ];
  for (const [text, wanted] of table) {
    assert.match((await mistakesIn(text)).join("\n"), wanted);
  }
});

test("yaml takes an empty text, comments, a lone null and a byte order mark for what they are", async () => {
  for (
    const text of ["", "\n\n", "# nothing\n", "~", "---\n", "\ufefflog: { level: info }", "{}"]
  ) {
    assert.deepEqual(await mistakesIn(text), [], JSON.stringify(text));
  }
});

test("yaml reads JSON, with its lines", async () => {
  const { report } = await load({
    sources: [service, file('{\n  "log": {\n    "level": "info"\n  }\n}')],
  });
  const line = report.lines.find(({ path }) => path === "log.level");
  assert.equal(line?.source, "config.yaml:3");
});

test("yaml shows no part of the text in its messages (C5)", async () => {
  const secret = "canary-7f3a";
  const table = [
    `password: "${secret}`,
    `log: { level: ${secret}, level: ${secret} }`,
    `server: { http_port: ${secret} }`,
    `server: { read_timeout: ${secret} }`,
    `database: { postgres: { password: ${secret} } }`,
    `tracing: { sample_ratio: ${secret}, enabled: ${secret}, otlp: { headers: { a: ${secret} } } }`,
    `auth: { api_keys: [{ key_id: k, hash: ${secret}, principal: { type: ${secret} } }] }`,
    `auth: { api_keys: [{ key_id: k, not_before: ${secret} }] }`,
    `log: { level: ${secret} }`,
    `a: "\\${secret}"`,
    `${"x".repeat(20)}: *${secret}`,
    `metrics: { options: ${secret} }`,
  ];
  for (const text of table) {
    const problems = await problemsOf({ sources: [service, file(text)] });
    assert(problems.length > 0, text);
    assert.doesNotMatch(JSON.stringify(problems), /canary/, text);
  }
});

test("yamlText names its text in messages", async () => {
  const problems = await problemsOf({
    sources: [service, yamlText("nothing: 1", { name: "worker" })],
  });
  assert.equal(problems[0]?.source, "worker:1");
});
