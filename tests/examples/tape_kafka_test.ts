import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { realKafka } from "../../testing/real_kafka.ts";
import { real } from "../_real.ts";
import { startChild } from "../_child.ts";
import process from "node:process";
import { MAIN, TIMEOUT } from "./_tape.ts";

const server = await real(() => realKafka());
const config = fileURLToPath(new URL("../../examples/tape/kafka.yaml", import.meta.url));

if (server !== undefined) {
  test("the tape over Kafka ends with the same numbers as in memory", TIMEOUT, async () => {
    // Variables of the tests are no settings of the example.
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith("CQI_"));
    const env = {
      ...Object.fromEntries(own),
      TAPE_KAFKA: server.brokers[0]!,
      TAPE_PREFIX: `tape.${randomUUID()}.`,
    };
    const child = startChild(MAIN, ["--summary", "json", "--config", config], { env });
    const { code, stdout, stderr } = await child.ended;
    const last = stdout.trimEnd().split("\n").at(-1) ?? "";
    assert.ok(last.startsWith("{"), `${stdout}\n${stderr}`);
    const { events, candles, volume, notional, lastPrice, position, cash, agrees } = JSON.parse(
      last,
    );
    assert.equal(code, 0, last);
    assert.deepEqual({ events, candles, volume, notional, lastPrice, position, cash, agrees }, {
      events: {
        "cqc.events.v1.PriceUpdated": 12477,
        "cqc.events.v1.OrderPlaced": 93,
        "cqc.events.v1.PositionChanged": 93,
        "cqc.events.v1.RiskAlert": 3,
      },
      candles: 2469,
      volume: "5545735",
      notional: "8182.56026789",
      lastPrice: "0.00152787",
      position: "2500",
      cash: "6.317744645",
      agrees: true,
    });
  });
}
