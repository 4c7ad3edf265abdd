import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { generateOpenApi } from "../../tools/gen_openapi.ts";
import { type Case, cases, type Document, documents, type HttpRequest } from "./_openapi.ts";
import { install, output, ROOT, withFolder } from "./_run.ts";
import { tools } from "./_tools.ts";

// The checkers, neither of which is ours.
const CHECKERS = [
  "openapi-spec-validator==0.8.5",
  "openapi-schema-validator==0.8.1",
  "openapi-core==0.23.1",
  "jsonschema==4.26.0",
];

interface Answers {
  /** What is wrong with each document. */
  readonly problems: Readonly<Record<string, readonly string[]>>;
  /** What is wrong with each request. */
  readonly answers: readonly string[];
}

const { cases: vectors, pathless } = cases();
const isValid = ({ rules }: Case): boolean => rules.length === 0;
const { leftOut } = generateOpenApi(readFileSync(join(ROOT, "gen", "descriptor", "cqc.binpb")));

/** A document with a mistake. */
function planted(change: (document: PlantedDocument) => void): Document {
  const document = structuredClone(documents["market_data"]) as unknown as PlantedDocument;
  change(document);
  return document as unknown as Document;
}

interface PlantedDocument {
  openapi?: string;
  paths: Record<string, { get: { responses?: unknown; parameters: { schema: unknown }[] } }>;
  components: { schemas: Record<string, unknown> };
}

const PRICE = "/v1/market-data/price";
const mistakes: Readonly<Record<string, Document>> = {
  "no version": planted((document) => void delete document.openapi),
  "no responses": planted(({ paths }) => void delete paths[PRICE]!.get.responses),
  "a reference to nothing": planted(({ components }) =>
    void delete components.schemas["cqc.markets.v1.PriceType"]
  ),
  "a type that is none": planted(({ components }) =>
    void (components.schemas["cqc.markets.v1.PriceType"] = { type: "text" })
  ),
  "a path variable that is no parameter": planted(({ paths }) =>
    void (paths["/v1/{nothing}"] = paths[PRICE]!)
  ),
};
const loosened = planted(({ paths }) => {
  for (const parameter of paths[PRICE]!.get.parameters) parameter.schema = {};
});

const price = (query: HttpRequest["query"], document = "market_data"): HttpRequest => ({
  document,
  method: "get",
  path: PRICE,
  query,
  body: null,
});
const ID = "5d1b3f0e-7a44-4c0c-8b57-52f3c6c2a901";
const byHand: Readonly<Record<string, { request: HttpRequest; wanted: RegExp }>> = {
  "an empty page_token, which is the first page": {
    request: { ...price({ page_token: [""] }), document: "portfolio", path: "/v1/portfolios" },
    wanted: /^$/,
  },
  "a newline behind an id": {
    request: price({ market_id: ["0b8f6a52-0c1f-4a53-9a1e-6f4dfd3a0b11\n"] }),
    wanted: /^InvalidParameter: /,
  },
  "an unknown path": {
    request: { ...price({}), path: "/v1/nothing" },
    wanted: /^PathNotFound: /,
  },
  "an unknown field in a body": {
    request: {
      ...price({}),
      document: "portfolio",
      method: "post",
      path: "/v1/portfolios",
      body: { name: "a", owner_id: "b", valuation_asset_id: ID, nam: "x" },
    },
    wanted: /Additional properties are not/,
  },
  "a bad value in a document whose schema was taken away": {
    request: price({ market_id: ["1"] }, "loosened"),
    wanted: /^$/,
  },
};

async function run(): Promise<Answers> {
  const requests = [...vectors, ...Object.values(byHand)].map(({ request }) => request);
  const input = JSON.stringify({ documents: { ...documents, ...mistakes, loosened }, requests });
  return await withFolder(async (folder) => {
    const python = await install(folder, CHECKERS);
    const script = join(ROOT, "tests", "interop", "python", "openapi.py");
    return JSON.parse(await output(python, [script], { input })) as Answers;
  });
}

if (tools("python3")) {
  let started: Promise<Answers> | undefined;
  const answers = (): Promise<Answers> => started ??= run();

  test("gen/openapi, each document is valid OpenAPI 3.0 for a checker of others", async () => {
    const { problems } = await answers();
    assert.equal(Object.keys(documents).length, 5);
    for (const name of Object.keys(documents)) assert.deepEqual(problems[name], [], name);
  });

  test("gen/openapi, the checker finds the mistakes that are planted in a document", async () => {
    const { problems } = await answers();
    for (const name of Object.keys(mistakes)) assert.notDeepEqual(problems[name], [], name);
  });

  test("gen/openapi, every valid request of the vectors is accepted", async () => {
    const { answers: told } = await answers();
    const refused = vectors.flatMap((each, i) =>
      isValid(each) && told[i] !== "" ? [`${each.name}: ${told[i]}`] : []
    );
    assert.deepEqual(refused, []);
    const types = new Set(vectors.filter(isValid).map(({ name }) => name.split(" ")[0]));
    assert.equal(types.size, Object.values(documents).flatMap(callsOf).length);
  });

  test("gen/openapi, every invalid request is refused but for rules that OpenAPI cannot state", async (t) => {
    const { answers: told } = await answers();
    const invalid = vectors.flatMap((each, i) => isValid(each) ? [] : [{ each, told: told[i]! }]);
    const passed = invalid.filter(({ told }) => told === "").map(({ each }) => each);
    const wrong = passed.filter((each) => !each.rules.every((rule) => leftOutRule(each, rule)));
    assert.deepEqual(wrong.map(({ name }) => name), []);
    const kinds = Object.groupBy(passed, kindOf);
    const counts = Object.entries(kinds).map(([kind, list]) => `${list!.length} ${kind}`);
    t.diagnostic(
      `${invalid.length - passed.length} of ${invalid.length} refused; accepted: ${
        counts.join(", ")
      }`,
    );
    // A request without what its path names cannot be sent at all.
    assert.ok(pathless.every((name) => /(?:required|pattern|min_len)$/.test(name)), `${pathless}`);
    const count = (kind: string): number => kinds[kind]?.length ?? 0;
    const wanted = [
      `every valid one fits its document (${vectors.filter(isValid).length})`,
      `all but ${passed.length} of ${invalid.length.toLocaleString("en")} are refused`,
      `${count("over several fields")} break a rule over several fields`,
      `${count("exactly one of some parameters")} name none or two of what`,
      `(${pathless.length} more lack`,
    ];
    const page = readFileSync(join(ROOT, "docs", "contracts.md"), "utf8").replace(/\s+/g, " ");
    assert.deepEqual(wanted.filter((text) => !page.includes(text)), [], "docs/contracts.md");
  });

  test("gen/openapi, refusals are about the request, not about a path that was not found", async () => {
    const { answers: told } = await answers();
    const other = vectors.flatMap((each, i) =>
      /^(?:$|(?:InvalidParameter|InvalidRequestBody|MissingRequiredParameter|ParameterValidationError): )/
          .test(told[i]!)
        ? []
        : [`${each.name}: ${told[i]}`]
    );
    assert.deepEqual(other, []);
  });

  for (const [index, [name, { wanted }]] of Object.entries(byHand).entries()) {
    test(`gen/openapi, ${name}`, async () => {
      const { answers: told } = await answers();
      assert.match(told[vectors.length + index]!, wanted);
    });
  }
}

const callsOf = ({ paths }: Document): string[] =>
  Object.values(paths).flatMap((item) => Object.values(item).map((each) => each.operationId));

/** The entry of what the generator says that it left out; undefined when it wrote the rule. */
function leftOutRule({ name }: Case, rule: string): { readonly field: string } | undefined {
  const [type] = name.split(" ");
  const [, id] = rule.split(" ");
  return leftOut.find((each) => each.rule === id && (each.field === "" || each.message === type));
}

function kindOf(each: Case): string {
  const isOverFields = each.rules.some((rule) => leftOutRule(each, rule)?.field === "");
  return isOverFields ? "over several fields" : "exactly one of some parameters";
}
