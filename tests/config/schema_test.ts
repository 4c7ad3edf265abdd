import type { DescMessage } from "@bufbuild/protobuf";
import fc from "fast-check";
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { values, yamlText } from "../../config/mod.ts";
import { decode, toJson } from "../../contracts/mod.ts";
import { tapeSection } from "../../examples/tape/settings.ts";
import { UNSAID } from "../../tools/jsonschema/rules.ts";
import { fromLine, typeOf, type Vector } from "../../tools/vectors/vector.ts";
import { SERVICE } from "./_helpers.ts";
import { checker, loaderMistakes, schemaMistakes, schemaOf, valueMistakes } from "./_schema.ts";
import { BAD, GOOD, VARIABLES } from "./_schema_files.ts";

const ROOT = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), "utf8");
const ajv = checker();
const variables = VARIABLES;

for (const [name, text] of Object.entries(GOOD)) {
  test(`gen/jsonschema and load accept ${name}`, async () => {
    assert.deepEqual(await loaderMistakes(text, { variables }), []);
    assert.deepEqual(schemaMistakes(ajv, "cqi_config", text), []);
    assert.deepEqual(schemaMistakes(ajv, "cqi_config_part", text), []);
  });
}

for (const [name, text] of Object.entries(BAD)) {
  test(`gen/jsonschema and load refuse ${name}`, async () => {
    assert.notDeepEqual(await loaderMistakes(text, { variables }), []);
    assert.notDeepEqual(schemaMistakes(ajv, "cqi_config", text), []);
  });
}

// What a part lacks may stand elsewhere.
const LACKING = [
  "no service",
  "a service without a version",
  "a required setting that is taken back",
  "a secret in no place",
  "one key of two",
  "a key without its certificate",
];

test("gen/jsonschema, of a file among several only what it says is checked, not what it lacks", () => {
  for (const [name, text] of Object.entries(BAD)) {
    const told = schemaMistakes(ajv, "cqi_config_part", text);
    assert.equal(told.length === 0, LACKING.includes(name), `${name}: ${told}`);
  }
});

test("gen/jsonschema, a file among several may be empty", async () => {
  for (const text of ["", "# nothing yet\n", "~\n"]) {
    assert.deepEqual(schemaMistakes(ajv, "cqi_config_part", text), []);
    const sources = [values(SERVICE), yamlText(text)];
    assert.deepEqual(await loaderMistakes("", { sources }), []);
    assert.notDeepEqual(schemaMistakes(ajv, "cqi_config", text), []);
  }
});

const vectors = read("testdata/vectors/config.jsonl").trimEnd().split("\n").map(fromLine)
  .filter(({ rules }) => rules !== undefined);

/** Mistakes of a message of the vectors, for the loader and for the schema. */
async function judged({ type, bytes }: Vector): Promise<readonly [string[], string[]]> {
  const desc: DescMessage = typeOf(type);
  const part = toJson(desc, decode(desc, bytes));
  const isRoot = type === "cqc.config.v1.CqiConfig";
  const definition = [type, `${type}.item`].map((name) => `cqi_config#/$defs/${name}`).find((
    name,
  ) => ajv.getSchema(name) !== undefined)!;
  const sources = isRoot
    ? [values(part as Record<string, unknown>)]
    : [values(SERVICE), values({ part })];
  const extend = isRoot ? {} : { part: desc };
  return [
    await loaderMistakes("", { sources, extend }),
    valueMistakes(ajv, isRoot ? "cqi_config" : definition, part),
  ];
}

test("gen/jsonschema and load agree on every vector of the configuration, but for rules that compare values", async (t) => {
  assert.ok(vectors.length > 500);
  const apart: string[] = [];
  for (const vector of vectors) {
    const [loader, schema] = await judged(vector);
    if ((loader.length === 0) === (schema.length === 0)) continue;
    const isUnsaid = schema.length === 0 &&
      vector.rules!.every((rule) => UNSAID.includes(rule.split(" ")[1]!));
    apart.push(...(isUnsaid ? vector.rules! : [`${vector.type} ${vector.name}: ${schema}`]));
  }
  t.diagnostic(`${vectors.length - apart.length} of ${vectors.length} vectors, apart: ${apart}`);
  assert.deepEqual(apart.map((rule) => rule.trim()).sort(), [...UNSAID].sort());
});

test("gen/jsonschema accepts the examples in the comments of the contracts", () => {
  const definitions = schemaOf("cqi_config").$defs as Record<string, { examples?: unknown[] }>;
  const examples = Object.entries(definitions).flatMap(([name, { examples = [] }]) =>
    examples.map((example) => [name, example] as const)
  );
  assert.ok(examples.length > 40);
  for (const [name, example] of examples) {
    assert.deepEqual(valueMistakes(ajv, `cqi_config#/$defs/${name}`, example), [], name);
  }
});

test("gen/jsonschema accepts the files in the documentation", () => {
  const pages = readdirSync(new URL("docs", ROOT), { recursive: true }).map(String)
    .filter((path) => path.endsWith(".md"));
  const blocks = pages.flatMap((page) =>
    [...read(`docs/${page}`).matchAll(/```yaml\n([^]*?)```/g)].map(([, text]) => ({
      page,
      text: text!,
    }))
  );
  assert.ok(blocks.length >= 3);
  for (const { page, text } of blocks) {
    const name = text.includes("service:") ? "cqi_config" : "cqi_config_part";
    assert.deepEqual(schemaMistakes(ajv, name, text), [], `${page}\n${text}`);
  }
});

/** A checker with the schema of the tape, which adds a section to ours, as an editor finds both. */
function tapeChecker(): typeof ajv {
  const withTape = checker();
  const base = "file:///gen/jsonschema/cqi_config.json";
  withTape.addSchema({ ...schemaOf("cqi_config"), $id: base });
  const schema = JSON.parse(read("examples/tape/config.schema.json")) as Record<string, unknown>;
  return withTape.addSchema(
    { ...schema, $id: "file:///examples/tape/config.schema.json" },
    "tape",
  );
}

test("gen/jsonschema accepts the example's configuration, whose own section stands beside ours", async () => {
  const text = read("examples/tape/config.yaml");
  assert.match(text, /^# yaml-language-server: \$schema=\.\/config\.schema\.json$/m);
  assert.deepEqual(schemaMistakes(tapeChecker(), "tape", text), []);
  const sources = [yamlText(text)];
  assert.deepEqual(await loaderMistakes("", { sources, extend: { tape: tapeSection } }), []);
});

test("gen/jsonschema refuses mistakes in the example's configuration, in its section and in ours", () => {
  const text = read("examples/tape/config.yaml");
  const tape = tapeChecker();
  const refused = (from: string | RegExp, to: string): void => {
    const changed = text.replace(from, to);
    assert.notEqual(changed, text);
    assert.notDeepEqual(schemaMistakes(tape, "tape", changed), [], to);
  };
  refused("fee_rate:", "fee_rates:");
  refused('"0.001"', '"1e-3"');
  refused("level: info", "level: loud");
  refused(/^cache:/m, "cahce:");
  refused(/^tape:/m, "tapes:");
});

const digits = fc.stringMatching(/^[0-9]{1,12}$/);
const amount = fc.tuple(digits, fc.option(digits, { nil: undefined })).map(([whole, fraction]) =>
  fraction === undefined ? whole : `${whole}.${fraction.slice(0, 9)}`
);
const durations = fc.array(fc.tuple(amount, fc.constantFrom("ms", "s", "m", "h", "d", "", "x")), {
  minLength: 1,
  maxLength: 3,
}).map((parts) => parts.flat().join(""));
const sizes = fc.tuple(amount, fc.constantFrom("", "B", "kB", "MB", "MiB", "GiB", "Gb", "K")).map((
  parts,
) => parts.join(""));
const ratios = fc.tuple(fc.constantFrom("", "-", "+", "0"), amount, fc.constantFrom("", "%", "e-1"))
  .map((parts) => parts.join(""));
const references = fc.array(
  fc.constantFrom(
    "$",
    "{",
    "}",
    "${",
    "${HOST}",
    "$${",
    "a",
    ":-",
    "${HOST:-b}",
    "1",
    "file:",
    "\n",
  ),
  { maxLength: 6 },
).map((parts) => parts.join(""));
const written = fc.oneof(durations, sizes, ratios, references, digits, fc.string(), amount);

/** Settings of each kind, with what the schema lets through that the loader refuses. */
const KINDS: Readonly<Record<string, (text: string) => boolean>> = {
  "server.read_timeout": (text) =>
    /[a-z].*[a-z]/.test(text.replace("ms", "m")) || text.includes("."),
  "server.drain_delay": (text) =>
    /[a-z].*[a-z]/.test(text.replace("ms", "m")) || text.includes("."),
  "server.max_body_bytes": (text) => text.includes("."),
  "server.http_port": () => false,
  "server.host": () => false,
  "tracing.sample_ratio": (text) => /e/i.test(text),
  "tracing.enabled": () => false,
  "log.level": () => false,
  "cache.redis.password": () => false,
  "metrics.default_buckets": () => false,
};

function nested(path: string, value: unknown): Record<string, unknown> {
  const isList = path === "metrics.default_buckets";
  return path.split(".").reduceRight<unknown>(
    (inner, name) => ({ [name]: inner }),
    isList ? [value] : value,
  ) as Record<string, unknown>;
}

for (const [path, isLoose] of Object.entries(KINDS)) {
  test(`gen/jsonschema and load agree on any text and number for ${path}`, async () => {
    const value = fc.oneof(
      written,
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    );
    await fc.assert(
      fc.asyncProperty(value, async (value) => {
        const text = JSON.stringify({ ...SERVICE, ...nested(path, value) });
        const isLoaded = (await loaderMistakes(text, { variables })).length === 0;
        const isAccepted = schemaMistakes(ajv, "cqi_config", text).length === 0;
        if (isLoaded) assert.ok(isAccepted, `refused by the schema alone: ${text}`);
        else if (typeof value === "number" || !dependsOnSurroundings(value) && !isLoose(value)) {
          assert.ok(!isAccepted, `refused by the loader alone: ${text}`);
        }
      }),
      { numRuns: 400 },
    );
  });
}

/** What a reference stands for is known when the file is loaded, not before. */
const dependsOnSurroundings = (text: string): boolean => text.includes("${");
