import { type DescField, ScalarType } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventOptions, eventTypes, messageTypes, partitionKeyFields } from "../../contracts/mod.ts";
import {
  allFields,
  commentsOf,
  DECIMAL_PATTERNS,
  image,
  ownFiles,
  patternOf,
  rulesOfField,
} from "./_image.ts";

/** What a field that holds money, a price, a size or a rate is called. */
const DECIMAL_NAME = new RegExp(
  "(?:^|_)(?:price|prices|amount|quantity|size|rate|value|notional|pnl|margin|collateral|leverage|" +
    "ratio|cost|basis|bid|ask|threshold|observed|delta|bps|funding|interest|confidence|offset|fee|" +
    "volume|weight|weights|quote|open|high|low|close|vwap|multiplier|premium|cap|floor|ceiling|ltv|" +
    "bonus|factor|gamma|theta|vega|rho|iv|score|imbalance|deviation|drawdown|shortfall|long|short|" +
    "gross|net|realized|unrealized|total|available|locked|reserved|borrowed|usd|base|impact|" +
    "tolerance|cash|flows|return|shock|change|loss|equity)$",
);

/** Names that only look like a decimal's, with what they are. */
const NOT_DECIMALS: Readonly<Record<string, string>> = { dimension_value: "an id or a name" };

/** Every double or float, with the reason why it is one. */
const FLOATS: Readonly<Record<string, string>> = {
  "cqc.assets.v1.AssetGroupMember.weight":
    "a share within a group, fixed by the platform's service",
  "cqc.services.v1.AddAssetToGroupRequest.weight": "the same share",
  "cqc.observability.v1.LogEntry.duration_ms": "a measurement, not money",
  "cqc.observability.v1.MetricDefinition.buckets": "bounds that Prometheus holds as doubles",
  "cqc.config.v1.CacheConfig.ttl_jitter": "a setting, not money",
  "cqc.config.v1.CircuitBreakerConfig.failure_rate": "a setting, not money",
  "cqc.config.v1.CircuitBreakerConfig.slow_call_rate": "a setting, not money",
  "cqc.config.v1.MetricsConfig.default_buckets": "bounds that Prometheus holds as doubles",
  "cqc.config.v1.RetryConfig.budget_ratio": "a setting, not money",
  "cqc.config.v1.RetryConfig.multiplier": "a setting, not money",
  "cqc.config.v1.TracingConfig.sample_ratio": "a setting, not money",
};

const pathOf = (field: DescField): string => `${field.parent.typeName}.${field.name}`;
const scalarOf = (field: DescField): ScalarType | undefined => field.scalar;

test("contracts, doubles and floats are only those with a written reason", () => {
  const found = allFields.filter((field) =>
    [ScalarType.DOUBLE, ScalarType.FLOAT].includes(scalarOf(field) as ScalarType)
  );
  assert.deepEqual(found.map(pathOf).sort(), Object.keys(FLOATS).sort());
});

test("contracts, every double of configuration and measurement is finite by rule", () => {
  const loose = allFields.filter((field) => {
    const rules = rulesOfField(field).type;
    if (scalarOf(field) !== ScalarType.DOUBLE) return false;
    const items = rules.case === "repeated" ? rules.value.items?.type : rules;
    return !(items?.case === "double" && items.value.finite);
  });
  assert.deepEqual(loose.map(pathOf), []);
});

test("contracts, every text field or list named like a decimal has one of the four patterns", () => {
  const bad = allFields.filter((field) =>
    (scalarOf(field) === ScalarType.STRING && field.fieldKind === "scalar" ||
      field.fieldKind === "list" && field.scalar === ScalarType.STRING) &&
    DECIMAL_NAME.test(field.name) && !(field.name in NOT_DECIMALS) &&
    !DECIMAL_PATTERNS.includes(patternOf(field))
  );
  assert.deepEqual(bad.map(pathOf), []);
});

test("contracts, every pattern that looks like a decimal's is one of the four", () => {
  const bad = allFields.filter((field) =>
    patternOf(field).includes("[1-9][0-9]") && !DECIMAL_PATTERNS.includes(patternOf(field))
  );
  assert.deepEqual(bad.map(pathOf), []);
  assert.ok(allFields.filter((field) => DECIMAL_PATTERNS.includes(patternOf(field))).length > 40);
});

test("contracts, an address that a person opens is one of the web and runs no script", () => {
  const opened = /^(?:website|explorer|block_explorer|evidence)_url$/;
  const fields = allFields.filter((field) => opened.test(field.name));
  assert.deepEqual(fields.filter((field) => patternOf(field) !== "^https?://").map(pathOf), []);
  assert.ok(fields.length >= 11);
});

test("contracts, every enum field takes defined values only, and zero only when optional", () => {
  const single = allFields.filter((field) => field.fieldKind === "enum");
  for (const field of single) {
    const { required, type: own } = rulesOfField(field);
    assert.ok(own.case === "enum" && own.value.definedOnly, `${pathOf(field)} is not defined_only`);
    assert.equal(own.value.notIn.includes(0), required, `${pathOf(field)} and zero`);
  }
});

test("contracts, every list of an enum names its values, as one checker skips defined_only there", () => {
  for (const field of allFields.filter((each) => each.fieldKind === "list" && each.enum)) {
    const { type: rules } = rulesOfField(field);
    const own = rules.case === "repeated" ? rules.value.items?.type : undefined;
    const values = field.enum!.values.map((value) => value.number).filter((value) => value !== 0);
    assert.deepEqual(own?.case === "enum" ? own.value.in : [], values, pathOf(field));
  }
});

test("contracts, a pattern or format that refuses the empty text stands on required fields", () => {
  for (const field of allFields) {
    const rules = rulesOfField(field);
    if (!rules.required || scalarOf(field) !== ScalarType.STRING) continue;
    if (pathOf(field) === "cqc.observability.v1.LogEntry.message") continue; // may be empty
    assert.notEqual(rules.type.case, undefined, `${pathOf(field)} has no rule`);
  }
});

test("contracts, every enum begins with UNSPECIFIED and ends where its numbers do", () => {
  for (const file of ownFiles) {
    for (const type of file.enumType) {
      assert.match(type.value[0]?.name ?? "", /_UNSPECIFIED$/, type.name);
      assert.deepEqual(type.value.map((value) => value.number), type.value.map((_, at) => at));
    }
  }
});

test("contracts, every event begins with event_id, timestamp and actor_id, all required", () => {
  assert.ok(eventTypes.length >= 4);
  for (const type of eventTypes) {
    const head = type.fields.filter((field) => field.number <= 3);
    assert.deepEqual(head.map((field) => field.name), ["event_id", "timestamp", "actor_id"]);
    assert.ok(head.every((field) => rulesOfField(field).required), type.typeName);
  }
});

test("contracts, every message of the events package but the options is an event", () => {
  const events = messageTypes.filter((type) =>
    type.file.proto.package === "cqc.events.v1" && type.name !== "EventOptions"
  );
  assert.deepEqual(events, eventTypes);
});

test("contracts, the topic of an event is its package and its name in snake case", () => {
  for (const type of eventTypes) {
    const name = type.name.replace(/(?<!^)([A-Z])/g, "_$1").toLowerCase();
    assert.equal(eventOptions(type)?.topic, `${type.file.proto.package}.${name}`);
  }
});

test("contracts, the partition key of an event leads over required fields to a value", () => {
  for (const type of eventTypes) {
    const fields = partitionKeyFields(type);
    assert.ok(fields !== undefined, type.typeName);
    assert.ok(fields.every((field) => rulesOfField(field).required), type.typeName);
  }
});

test("contracts, fields that hold hashes and secrets are redacted", () => {
  const names = /(?:^|_)(?:hash|secret|passphrase|token|password)$/;
  for (const field of allFields.filter((each) => names.test(each.name))) {
    const isReference = field.message?.typeName === "cqc.config.v1.SecretRef";
    const isPublic = ["tx_hash", "page_token", "next_page_token", "resume_token"].includes(
      field.name,
    );
    assert.ok(
      isReference || isPublic || field.proto.options?.debugRedact === true,
      `${pathOf(field)} is neither redacted nor a SecretRef`,
    );
  }
});

test("contracts, every field of configuration says its default", () => {
  for (const file of ownFiles.filter((each) => each.package === "cqc.config.v1")) {
    const comments = commentsOf(file);
    file.messageType.forEach((type, at) => {
      if (type.name === "SecretRef") return;
      type.field.forEach((field, index) => {
        if (field.oneofIndex > 0 || field.name === "jwks_uri" || field.name === "secret") return;
        const comment = comments.get(`4,${at},2,${index}`) ?? "";
        if (type.name === "JwtAuthConfig" && field.name === "public_key_pem") return;
        assert.match(comment, /[Dd]efault/, `${type.name}.${field.name}`);
      });
    });
  }
});

test("contracts, every field outside required ones says what its absence means", () => {
  for (const file of ownFiles) {
    const comments = commentsOf(file);
    file.messageType.forEach((type, at) => {
      const linked = messageTypes.find((each) => each.typeName === `${file.package}.${type.name}`);
      type.field.forEach((field, index) => {
        const comment = comments.get(`4,${at},2,${index}`) ?? "";
        const rules = rulesOfField(linked!.fields.find((each) => each.name === field.name)!);
        const member = linked!.fields.find((each) => each.name === field.name)!.oneof !== undefined;
        const atLeastOne = rules.type.case === "repeated" && rules.type.value.minItems > 0n;
        if (rules.required || atLeastOne || member || file.package === "cqc.config.v1") return;
        assert.match(comment, /Absent|absent|Empty|May be empty/, `${type.name}.${field.name}`);
      });
    });
  }
});

test("contracts, comments of others are not in the descriptor image", () => {
  const foreign = image.file.filter((file) => !ownFiles.includes(file));
  assert.ok(foreign.length > 0);
  assert.ok(foreign.every((file) => file.sourceCodeInfo === undefined));
});
