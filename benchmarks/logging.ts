import { pino } from "pino";
import { open } from "../logging/mod.ts";
import type { Benchmark, Contender } from "./_harness.ts";

// Both write to a sink that takes the line and forgets it. pino gets what our lines have anyway:
// the service's name, a time as text, and (where it says so) keys whose values are hidden.
const SERVICE = { name: "cqpm", version: "1.4.2" };
const REDACT = ["password", "token", "secret", "authorization", "api_key", "apiKey"];

/** One log line, against pino. */
export async function openBenchmark(): Promise<Benchmark> {
  let characters = 0;
  const take = (line: string): void => void (characters += line.length);
  const done = (): Promise<void> => Promise.resolve();
  const ours = await open({ level: "info" }, {
    service: SERVICE,
    sink: { write: take, flush: done, close: done },
  });
  const base = { service_name: SERVICE.name, service_version: SERVICE.version };
  const settings = { level: "info", base, timestamp: pino.stdTimeFunctions.isoTime };
  const plain = pino(settings, { write: take });
  const redacting = pino({ ...settings, redact: REDACT }, { write: take });
  const fields = (i: number) => ({
    venue: "coinbase",
    order_id: `order-${i}`,
    quantity: 1.5,
    attempt: i,
  });
  const bound = { component: "bus", topic: "cqc.events.v1.price_updated" };
  const [plainChild, redactingChild, ourChild] = [
    plain.child(bound),
    redacting.child(bound),
    ours.child(bound),
  ];
  const error = new Error("socket closed");
  const each = (name: string, fn: (i: number) => void): Contender => ({
    name,
    run(times) {
      for (let i = 0; i < times; i++) fn(i);
    },
  });
  return {
    comparisons: [
      {
        title: "logging: a message and four fields",
        contenders: [
          each("pino", (i) => plain.info(fields(i), "Order placed")),
          each("pino, 6 keys redacted", (i) => redacting.info(fields(i), "Order placed")),
          each("ours", (i) => ours.info("Order placed", fields(i))),
        ],
      },
      {
        title: "logging: a child with two bound fields, two of the line's own",
        contenders: [
          each("pino", (i) => plainChild.info({ partition: 3, offset: i }, "Handled")),
          each("pino, 6 keys redacted", (i) => {
            redactingChild.info({ partition: 3, offset: i }, "Handled");
          }),
          each("ours", (i) => ourChild.info("Handled", { partition: 3, offset: i })),
        ],
      },
      {
        title: "logging: an error with its stack",
        contenders: [
          each("pino", () => plain.error({ err: error }, "Order failed")),
          each("ours", () => ours.error("Order failed", { error })),
        ],
      },
      {
        title: "logging: a line below the level, fields made lazily",
        contenders: [
          each("pino (isLevelEnabled)", (i) => {
            if (plain.isLevelEnabled("debug")) plain.debug(fields(i), "Order placed");
          }),
          each("ours", (i) => ours.debug("Order placed", () => fields(i))),
        ],
      },
    ],
    async close() {
      await ours.close();
      if (characters === 0) throw new Error("No line was written");
    },
  };
}
