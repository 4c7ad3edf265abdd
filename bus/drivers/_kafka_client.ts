// Connections to a cluster, and who leads what. Over the network and protocol layers of the client
// library; retries, metadata and everything that keeps state are ours, since they decide what is
// lost and what comes twice.

import {
  type API,
  Base,
  type Broker,
  type Connection,
  ConnectionPool,
  kGetApi,
} from "@platformatic/kafka";
import { type Clock, type WaitOptions, withDeadline } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import { type AnswerOf, type Apis, type ArgsOf, LOWEST } from "./_kafka_apis.ts";
import { brokerError, transportError } from "./_kafka_errors.ts";
import type { LoginSettings, TlsSettings } from "./_kafka_login.ts";
import type { KafkaSettings } from "./_kafka_settings.ts";
import { pause, unlessAborted } from "./_kafka_wait.ts";

/** Where a partition is led. */
export interface Led {
  /** Node, or -1 where nobody leads. */
  readonly leader: number;
}

/** A topic as the cluster describes it. */
export interface TopicInfo {
  readonly name: string;
  readonly id: string;
  readonly partitions: readonly Led[];
  readonly copies: number;
}

/** How a request is made. */
export interface RequestOptions extends WaitOptions {
  /** Connections to use; those of the client are for short requests. */
  readonly pool?: ConnectionPool;
  /** Called when the request goes out: from then on it may have been carried out. */
  readonly onSent?: () => void;
}

/** How any broker is asked. */
export interface AskOptions extends WaitOptions {
  /** Milliseconds that each has, but for the last. @default {as long as a short request has} */
  readonly eachMs?: number;
}

/** What the parts of the driver need of a cluster. */
export interface KafkaClient {
  /**
   * Asks one broker. Errors that the answer itself contains are left in it.
   *
   * @throws {CqiError} `CQI_BUS_UNAVAILABLE`, `CQI_UNAUTHENTICATED` and so on.
   */
  request<N extends keyof Apis>(
    name: N,
    target: { readonly broker: Broker; readonly args: ArgsOf<N> },
    options?: RequestOptions,
  ): Promise<AnswerOf<N>>;
  /** Asks any broker, the next one where one does not answer. */
  ask<N extends keyof Apis>(name: N, args: ArgsOf<N>, options?: AskOptions): Promise<AnswerOf<N>>;
  /** Topics by name, each with what is known of it or why nothing is. */
  topics(
    names: readonly string[],
    options?: WaitOptions & { readonly fresh?: boolean },
  ): Promise<ReadonlyMap<string, TopicInfo | CqiError>>;
  /** The address of a node, as last heard. */
  broker(node: number): Broker | undefined;
  /** Takes in an address heard elsewhere. */
  heard(node: number, broker: Broker): void;
  /** New connections, for requests that would hold up others. */
  pool(requestMs: number): ConnectionPool;
  /** Ends connections that `pool` gave. */
  release(pool: ConnectionPool): Promise<void>;
  /** Connections for requests that may take their time. */
  readonly data: ConnectionPool;
  /** Ends all connections. */
  close(): Promise<void>;
}

/** How long one broker may take to answer a short request before the next one is asked. */
const SHORT_MS = 5000;
const METADATA_AGE_MS = 60_000;
const CLOSE_MS = 1000;

/** Makes a client; it connects when it is first asked something. */
export function kafkaClient(
  settings: KafkaSettings,
  login: { readonly tls: TlsSettings | undefined; readonly sasl: LoginSettings | undefined },
  clock: Clock,
): KafkaClient {
  const bootstrap = settings.brokers.map(parseAddress);
  const shortMs = Math.min(SHORT_MS, settings.requestMs);
  const connection = {
    connectTimeout: settings.connectMs,
    maxInflights: 5,
    ...login.tls !== undefined && {
      tls: login.tls,
      tlsServerName: login.tls.servername ?? true,
    },
    ...login.sasl !== undefined && { sasl: login.sasl },
  };
  const base = new Base({
    clientId: settings.clientId,
    bootstrapBrokers: bootstrap,
    retries: bootstrap.length,
    retryDelay: 50,
    requestTimeout: shortMs,
    ...connection,
  });
  const pools = new Set<ConnectionPool>();
  const known = new Map<number, Broker>();
  const cache = new Map<string, { readonly info: TopicInfo; readonly at: number }>();
  let turn = 0;
  let closed = false;

  const pool = (requestMs: number): ConnectionPool => {
    const made = new ConnectionPool(settings.clientId, {
      ...connection,
      requestTimeout: requestMs,
    });
    // A connection that breaks says so twice: to its requests, and as an event nobody waits for.
    made.on("connect", ({ connection: one }: { connection?: Connection }) => {
      one?.on("error", () => {});
    });
    pools.add(made);
    return made;
  };
  const control = pool(shortMs);
  const data = pool(settings.requestMs);

  const apiOf = <N extends keyof Apis>(name: N): Promise<API<ArgsOf<N>, AnswerOf<N>>> =>
    new Promise((resolve, reject) =>
      base[kGetApi]<ArgsOf<N>, AnswerOf<N>>(name, (error, api) => {
        if (error) return reject(error);
        const lowest = LOWEST[name] ?? 0;
        if (api!.version >= lowest) return resolve(api!);
        reject(
          new CqiError(
            "CQI_FEATURE_UNSUPPORTED",
            `Cannot use this Kafka: it has ${name} in version ${api!.version}, wanted ${lowest} ` +
              `(Kafka 3.1 or later)`,
          ),
        );
      })
    );

  const request: KafkaClient["request"] = async (name, { broker, args }, options = {}) => {
    const { signal } = options;
    signal?.throwIfAborted();
    if (closed) throw new CqiError("CQI_CLOSED", "Cannot ask Kafka: the driver is closed");
    const asking = (async () => {
      const api = await apiOf(name);
      const connected = await (options.pool ?? control).get(broker);
      signal?.throwIfAborted();
      options.onSent?.();
      return await api.async(connected, ...args);
    })().catch((error) => {
      const response = (error as { response?: AnswerOf<typeof name> } | null)?.response;
      if (response !== undefined && response !== null) return response;
      if (signal?.aborted) throw signal.reason;
      throw transportError(`ask ${broker.host}:${broker.port} for ${name}`, error);
    });
    return await unlessAborted(asking, signal);
  };

  const ask: KafkaClient["ask"] = async (name, args, options = {}) => {
    const candidates = distinct([...known.values(), ...bootstrap]);
    let failure: unknown;
    for (let n = 0; n < candidates.length; n++) {
      const asked = turn;
      const broker = candidates[asked % candidates.length]!;
      // The last one has all the time that is left.
      const limitMs = n < candidates.length - 1 ? options.eachMs ?? Infinity : Infinity;
      const asking = (signal: AbortSignal) => request(name, { broker, args }, { signal });
      try {
        return await withDeadline(clock, limitMs, asking, options);
      } catch (error) {
        const isCut = options.signal?.aborted === true;
        if (!isCut && !CqiError.from(error).retryable) throw error;
        // Also for whoever asks next: a broker that hangs may be all that was waited for.
        if (turn === asked) turn++;
        if (isCut) throw error;
        failure = error;
      }
    }
    throw failure;
  };

  const read = async (
    names: readonly string[],
    options: WaitOptions,
  ): Promise<Map<string, TopicInfo | CqiError>> => {
    const answer = await ask("Metadata", [[...names], false, false], options);
    known.clear();
    for (const { nodeId, host, port } of answer.brokers) known.set(nodeId, { host, port });
    const found = new Map<string, TopicInfo | CqiError>();
    for (const topic of answer.topics) {
      const name = topic.name ?? "";
      if (topic.errorCode !== 0) {
        cache.delete(name);
        found.set(name, brokerError(`use topic '${name}'`, topic.errorCode));
        continue;
      }
      const partitions: Led[] = [];
      for (const { partitionIndex, leaderId } of topic.partitions) {
        partitions[partitionIndex] = { leader: known.has(leaderId) ? leaderId : -1 };
      }
      const copies = topic.partitions[0]?.replicaNodes.length ?? 0;
      const info = { name, id: topic.topicId, partitions, copies };
      cache.set(name, { info, at: clock.monotonic() });
      found.set(name, info);
    }
    return found;
  };

  const shut = async (ending: readonly ConnectionPool[]): Promise<void> => {
    const over = new AbortController();
    const open = ending.flatMap((each) => [...each].map(([, one]) => one));
    for (const each of ending) pools.delete(each);
    const ended = Promise.allSettled(ending.map((each) => each.close()));
    // One that is still being opened would keep us.
    const late = pause(clock, CLOSE_MS, over.signal).then(() => {
      if (!over.signal.aborted) { for (const one of open) one.socket?.destroy(); }
    });
    await Promise.race([ended, late]);
    over.abort();
  };

  return {
    request,
    ask,
    async topics(names, options = {}) {
      const oldest = clock.monotonic() - METADATA_AGE_MS;
      const found = new Map<string, TopicInfo | CqiError>();
      if (options.fresh !== true) {
        for (const name of names) {
          const cached = cache.get(name);
          if (cached !== undefined && cached.at >= oldest) found.set(name, cached.info);
        }
      }
      const wanted = names.filter((name) => !found.has(name));
      if (wanted.length > 0) {
        for (const [name, info] of await read(wanted, options)) found.set(name, info);
      }
      return found;
    },
    broker: (node) => known.get(node),
    heard: (node, broker) => void known.set(node, broker),
    pool,
    data,
    release: (each) => shut([each]),
    async close() {
      closed = true;
      await shut([...pools, base.connections]);
      // Its connections are gone; nothing else of it can be left.
      await base.close().catch(() => {});
    },
  };
}

function parseAddress(address: string): Broker {
  const cut = address.lastIndexOf(":");
  return {
    host: address.slice(0, cut).replace(/^\[|\]$/g, ""),
    port: Number(address.slice(cut + 1)),
  };
}

function distinct(brokers: readonly Broker[]): Broker[] {
  return [...new Map(brokers.map((each) => [`${each.host}:${each.port}`, each])).values()];
}
