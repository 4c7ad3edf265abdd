import { rm } from "node:fs/promises";
import process from "node:process";
import type { WaitOptions } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import { type KafkaNode, kafkaNode } from "./_kafka_node.ts";
import { freePort } from "./_server_process.ts";
import { findKafkaLibraries, newDataFolder } from "./_kafka_libraries.ts";

export type { KafkaNode } from "./_kafka_node.ts";

/** What to start. */
export interface RealKafkaOptions extends WaitOptions {
  /**
   * Nodes, each broker and controller in one. Three of them keep three copies of a partition, of
   * which two must have a record. @default {1}
   */
  readonly brokers?: 1 | 3;
  /** True starts processes of its own, also where `TEST_KAFKA` is set. @default {false} */
  readonly own?: boolean;
  /** Settings of the nodes besides or in place of those chosen here. @default {{}} */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A running Kafka. */
export interface RealKafka extends AsyncDisposable {
  /** Addresses to begin with, `host:port`. */
  readonly brokers: readonly string[];
  /** The nodes, to be killed, frozen and started again; none when an address was given. */
  readonly nodes: readonly KafkaNode[];
  /** Ends what was started and removes its data. Twice is fine. */
  close(): Promise<void>;
}

/**
 * Finds a Kafka for tests: the one that `TEST_KAFKA` names (`host:port`, several with commas),
 * else processes on free ports with data in a temporary folder.
 *
 * The libraries of Kafka are taken from the folder that `TEST_KAFKA_LIBS` names, else from
 * `.cache/servers/kafka/libs` of the current folder; `java` from PATH.
 *
 * @param options How many nodes, and whether they must be its own.
 * @throws {CqiError} `CQI_DRIVER_MISSING` when there is neither, with what to install.
 */
export async function realKafka(options: RealKafkaOptions = {}): Promise<RealKafka> {
  options.signal?.throwIfAborted();
  const given = process.env["TEST_KAFKA"];
  if (given !== undefined && given !== "" && options.own !== true && options.brokers !== 3) {
    const brokers = given.split(",").map((each) => each.trim());
    const close = (): Promise<void> => Promise.resolve();
    return { brokers, nodes: [], close, [Symbol.asyncDispose]: close };
  }
  return await startKafka(await findKafkaLibraries(), options);
}

async function startKafka(libraries: string, options: RealKafkaOptions): Promise<RealKafka> {
  const folder = await newDataFolder();
  const count = options.brokers ?? 1;
  const ids = Array.from({ length: count }, (_, index) => index + 1);
  const ports = await Promise.all(ids.map(async () => [await freePort(), await freePort()]));
  const quorum = ids.map((id, index) => `${id}@127.0.0.1:${ports[index]![1]}`).join(",");
  const nodes = ids.map((id, index) =>
    kafkaNode({
      id,
      libraries,
      folder: `${folder}/${id}`,
      port: ports[index]![0]!,
      controllerPort: ports[index]![1]!,
      settings: { ...settingsFor(count), "controller.quorum.voters": quorum, ...options.settings },
    })
  );
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= (async () => {
      // By force: what they hold is thrown away, and a node without its quorum takes long to end.
      await Promise.all(nodes.map((node) => node.kill()));
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    })();
    return closing;
  };
  const onAbort = (): void => void close().catch(() => {});
  options.signal?.addEventListener("abort", onAbort, { once: true });
  try {
    // Together: a node alone has no quorum and does not get ready.
    await Promise.all(nodes.map((node) => node.start()));
    options.signal?.throwIfAborted();
  } catch (error) {
    await close();
    options.signal?.throwIfAborted();
    throw CqiError.from(error, "CQI_UNAVAILABLE");
  } finally {
    options.signal?.removeEventListener("abort", onAbort);
  }
  return { brokers: nodes.map((node) => node.address), nodes, close, [Symbol.asyncDispose]: close };
}

// Small and quick: few internal partitions, groups that start at once, sessions as short as a test
// wants them, a dead node noticed after 3 s, records of any age kept.
function settingsFor(brokers: number): Record<string, string> {
  const copies = `${brokers}`;
  const needed = brokers === 3 ? "2" : "1";
  return {
    "auto.create.topics.enable": "false",
    "num.partitions": "3",
    "default.replication.factor": copies,
    "min.insync.replicas": needed,
    "offsets.topic.num.partitions": "3",
    "offsets.topic.replication.factor": copies,
    "transaction.state.log.num.partitions": "3",
    "transaction.state.log.replication.factor": copies,
    "transaction.state.log.min.isr": needed,
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "log.retention.ms": "-1",
    "log.index.size.max.bytes": "1048576",
  };
}
