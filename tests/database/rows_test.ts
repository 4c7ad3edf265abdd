import assert from "node:assert/strict";
import test from "node:test";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { messageRecord, type StandardSchema } from "../../database/mod.ts";
import { EventBusConfigSchema, KafkaConfigSchema } from "../../gen/ts/cqc/config/v1/mod.ts";
import { FeeSchema } from "../../gen/ts/cqc/venues/v1/mod.ts";
import { onMock } from "./_fixture.ts";

interface Priced {
  readonly price: string;
}

const PRICED: StandardSchema<Priced> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) => {
      const { price } = value as Record<string, unknown>;
      return typeof price === "string"
        ? { value: { price: `${price} USD` } }
        : { issues: [{ message: `bad value ${String(price)}`, path: [{ key: "price" }] }] };
    },
  },
};

const ASSET = "5d1b3f0e-7a44-4c0c-8b57-52f3c6c2a901";

test("query.as() checks and transforms rows", async () => {
  await using fixture = await onMock();
  fixture.mock.expect("select price from t").rows([{ price: "1" }, { price: "2" }]);
  const rows: Priced[] = await fixture.db.sql`select price from t`.as(PRICED);
  assert.deepEqual(rows, [{ price: "1 USD" }, { price: "2 USD" }]);
});

test("query.as() names row and column of what it refuses, and not the value", async () => {
  await using fixture = await onMock();
  fixture.mock.expect("select price from t").rows([{ price: 4711 }]);
  await assert.rejects(fixture.db.sql`select price from t`.as(PRICED).rows(), {
    code: "CQI_DATABASE_ROW_INVALID",
    message: "Cannot read row 1: the schema refuses column 'price', which is a number",
  });
});

test("query.as() waits for a schema that takes its time", async () => {
  await using fixture = await onMock();
  fixture.mock.expect("select 1").rows([{ price: "1" }]);
  const slow: StandardSchema<number> = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: () => Promise.resolve({ value: 42 }),
    },
  };
  assert.equal(await fixture.db.sql`select 1`.as(slow).one(), 42);
});

test("query.as() counts rows on in a stream", async () => {
  await using fixture = await onMock();
  fixture.mock.expect("select 1").rows([{ price: "1" }, { price: null }]);
  await assert.rejects(async () => {
    for await (const _ of fixture.db.sql`select 1`.as(PRICED).stream()) { /* read on */ }
  }, { message: /row 2.*is null/ });
});

test("query.asMessage() makes valid messages of rows", async () => {
  await using fixture = await onMock();
  fixture.mock.expect("select * from fees").rows([
    { asset_id: ASSET, amount: "0.10000000000000000001", kind: "FEE_KIND_TRADING", created: "x" },
  ]);
  const query = fixture.db.sql`select * from fees`;
  const fee = await query.asMessage(FeeSchema, { ignore: ["created"] }).one();
  assert.deepEqual([fee.assetId, fee.amount], [ASSET, "0.10000000000000000001"]);
});

test("query.asMessage() refuses a column without a field, and names it", async () => {
  await using fixture = await onMock();
  fixture.mock.expect("select 1").rows([{ asset_id: ASSET, colour: "red" }]);
  await assert.rejects(fixture.db.sql`select 1`.asMessage(FeeSchema).rows(), {
    code: "CQI_DATABASE_ROW_INVALID",
    message: /no field for column 'colour'/,
  });
});

test("query.asMessage() refuses a row that breaks the contract's rules", async () => {
  await using fixture = await onMock();
  fixture.mock.expect("select 1").rows([{ asset_id: ASSET, amount: "1e5" }]);
  await assert.rejects(fixture.db.sql`select 1`.asMessage(FeeSchema).rows(), {
    code: "CQI_DATABASE_ROW_INVALID",
    message: /row 1 as cqc\.venues\.v1\.Fee.*amount/,
  });
});

test("messageRecord() has a column for each field, null where it is not set", () => {
  const fee = create(FeeSchema, { assetId: ASSET, amount: "0.10", kind: 1 });
  const record = messageRecord(FeeSchema, fee);
  assert.deepEqual(
    Object.keys(record).sort(),
    FeeSchema.fields.map((field) => field.name).sort(),
  );
  assert.equal(record.amount, "0.10");
});

test("messageRecord() refuses a message that breaks its rules", () => {
  assert.throws(() => messageRecord(FeeSchema, create(FeeSchema, { amount: "x" })), {
    code: "CQI_CONTRACT_INVALID",
  });
});

test("messageRecord() keeps 64 bits, bytes, times, lists and nested messages", () => {
  const config = create(EventBusConfigSchema, {
    maxInFlightBytes: 1_048_577n,
    kafka: { brokers: ["a:1", "b:2"] },
  });
  const record = messageRecord(EventBusConfigSchema, config);
  assert.equal(record.max_in_flight_bytes, "1048577");
  assert.equal(String(record.kafka), "[object SqlJson]");
  assert.equal(record.driver, null);
  const kafka = messageRecord(KafkaConfigSchema, config.kafka!);
  assert.deepEqual(kafka.brokers, ["a:1", "b:2"]);
});

test("messageRecord() refuses a message that is one value in JSON", () => {
  assert.throws(() => messageRecord(TimestampSchema, timestampFromMs(1)), {
    code: "CQI_OPTION_INVALID",
  });
});
