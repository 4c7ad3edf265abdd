// TLS and logins at a real broker: those that are right, and clear errors in good time for the rest.

import assert from "node:assert/strict";
import process from "node:process";
import test from "node:test";
import type { Bus } from "../../bus/mod.ts";
import { systemClock } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import { freshGroup, freshTopic, numberOf } from "../../testing/_bus_kit.ts";
import { aPriceUpdated } from "../../testing/builders.ts";
import { testLogger } from "../../testing/test_logger.ts";
import { real } from "../_real.ts";
import { ms, openKafka, publishTo, within } from "./_kafka.ts";
import { report } from "./_report.ts";
import { startSecureKafka } from "./_kafka_secure.ts";

const server = await real(startSecureKafka);

if (server !== undefined) {
  const { ca, otherCa, user } = server;
  process.env["TEST_KAFKA_PASSWORD"] = server.password;
  process.env["TEST_KAFKA_WRONG_PASSWORD"] = "cqi-canary-wrong-password";
  const passwordIn = (name: string) => ({ valueSource: { case: "env", value: name } });
  const login = (mechanism: string, name = "TEST_KAFKA_PASSWORD", username = user) => ({
    mechanism,
    username,
    password: passwordIn(name),
  });

  const works = async (bus: Bus, what: string): Promise<void> => {
    const target = freshTopic();
    await publishTo(bus, target, 100, (number) => `${number}`);
    const handled = new Set<number>();
    await bus.subscribe(target, (event) => void handled.add(numberOf(event)));
    await within(15_000, () => handled.size === 100, "100 events");
    assert.equal((await bus.check()).status, "ok");
    report(`${what}: ${handled.size} of 100 events`);
  };

  const WAYS: readonly (readonly [string, string, object])[] = [
    ["TLS", server.tls, { tls: { caPem: ca } }],
    ["TLS 1.3", server.tls, { tls: { caPem: ca, minVersion: "1.3" } }],
    ["TLS without a look at the certificate", server.tls, { tls: { insecureSkipVerify: true } }],
    ...["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"].map((mechanism) =>
      [mechanism, server.sasl, { tls: { caPem: ca }, sasl: login(mechanism) }] as const
    ),
  ];
  for (const [name, address, client] of WAYS) {
    test(`Kafka over ${name} publishes and handles`, async () => {
      const place = { brokers: [address], client: { ...client } };
      await using bus = await openKafka(place, { consumerGroup: freshGroup() });
      await works(bus, name);
    });
  }

  const wrong = login("SCRAM-SHA-512", "TEST_KAFKA_WRONG_PASSWORD");
  const REFUSED: readonly (readonly [string, string, object, string, RegExp])[] = [
    ...["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"].map((mechanism) =>
      [
        `a wrong password by ${mechanism}`,
        server.sasl,
        { tls: { caPem: ca }, sasl: login(mechanism, "TEST_KAFKA_WRONG_PASSWORD") },
        "CQI_UNAUTHENTICATED",
        /login refused/,
      ] as const
    ),
    [
      "a user that is not known",
      server.sasl,
      { tls: { caPem: ca }, sasl: login("SCRAM-SHA-256", undefined, "nobody") },
      "CQI_UNAUTHENTICATED",
      /login refused/,
    ],
    [
      "a certificate of an unknown authority",
      server.tls,
      { tls: { caPem: otherCa } },
      "CQI_BUS_PERMANENT",
      /no TLS with Kafka/,
    ],
    [
      "a certificate of another host",
      server.tls,
      { tls: { caPem: ca, serverName: "kafka.example" } },
      "CQI_BUS_PERMANENT",
      /no TLS with Kafka/,
    ],
    [
      "an unknown authority where it would log in",
      server.sasl,
      { tls: { caPem: otherCa }, sasl: wrong },
      "CQI_BUS_PERMANENT",
      /no TLS with Kafka/,
    ],
  ];
  for (const [what, address, client, code, message] of REFUSED) {
    test(`K9: Kafka with ${what} is refused at once, by name, without a secret`, async () => {
      const logger = testLogger();
      const place = { brokers: [address], client: { ...client } };
      const bus = await openKafka(place, { consumerGroup: freshGroup() }, { logger });
      const start = systemClock.monotonic();
      const target = freshTopic();
      const errors = [
        await bus.publish(target, aPriceUpdated()).catch(CqiError.from),
        await bus.subscribe(target, () => {}).catch(CqiError.from),
      ];
      const health = await bus.check();
      await bus.close();
      const tookMs = systemClock.monotonic() - start;
      for (const error of errors) {
        assert(error instanceof CqiError);
        assert.equal(error.code, code, error.message);
        assert.match(error.message, message);
      }
      assert.equal(health.status, "down");
      const said = [
        ...errors.map((error) => `${(error as CqiError).stack} ${JSON.stringify(error)}`),
        JSON.stringify(health),
        ...logger.entries.map((entry) => `${entry.message} ${JSON.stringify(entry.fields)}`),
      ].join("\n");
      assert.doesNotMatch(said, /cqi-canary/);
      report(`${what}: ${code} after ${Math.round(tookMs)} ms for all calls and closing`);
      assert(tookMs < 10_000, `${tookMs} ms`);
    });
  }

  const MISTAKEN = [
    ["without TLS at a port that has it", server.tls, {}],
    ["with TLS at a port that has none", server.plain, { tls: { caPem: ca } }],
    ["without a login where one is wanted", server.sasl, { tls: { caPem: ca } }],
  ] as const;
  for (const [what, address, client] of MISTAKEN) {
    test(`Kafka called ${what} fails within publish_timeout, and closing does not hang`, async () => {
      const bus = await openKafka({ brokers: [address], client }, { publishTimeout: ms(2000) });
      const start = systemClock.monotonic();
      const error = await bus.publish(freshTopic(), aPriceUpdated()).catch(CqiError.from);
      await bus.close();
      const tookMs = systemClock.monotonic() - start;
      assert(error instanceof CqiError);
      report(`${what}: ${error.code} after ${Math.round(tookMs)} ms: ${error.message}`);
      assert(["CQI_BUS_PERMANENT", "CQI_BUS_UNAVAILABLE"].includes(error.code), error.message);
      assert(tookMs < 8000, `${tookMs} ms`);
    });
  }
}
