import { BytesValueSchema } from "@bufbuild/protobuf/wkt";
import { createDriver, memoryBroker } from "../../bus/drivers/memory.ts";
import { bus } from "../../mod.ts";
import { bytesIn, type Message, type Reply } from "./_protocol.ts";

/** Handlers that run at once in one subscription: so many deliveries may wait for their answers. */
const SIDE_BY_SIDE = 64;
/** Bytes of a header that the bus takes. */
const HEADER_BYTES = 8000;
// Members that come and go are noticed at a heartbeat, those that are killed as soon as brokers
// allow by themselves.
const HEARTBEATS = {
  heartbeatInterval: { nanos: 200_000_000 },
  sessionTimeout: { seconds: 6n },
};
const UUID = "bridge-uuid";
const METADATA = "bridge-metadata-";

type Env = Readonly<Record<string, string | undefined>>;

interface Pending {
  readonly ack: () => void;
  readonly nack: (error: Error) => void;
}

interface Sub {
  readonly pending: Map<number, Pending>;
  end(): Promise<void>;
}

interface Host {
  readonly group: string;
  readonly main: bus.Bus;
  /** Topics that `main` has a handler for. */
  readonly taken: Set<string>;
  readonly subs: Set<Sub>;
  closing?: Promise<void>;
}

const json = new TextEncoder();
const text = new TextDecoder();

// Metadata may be any text and of any length; headers may not.
function headersOf({ uuid, metadata }: Message): Record<string, Uint8Array> {
  const headers: Record<string, Uint8Array> = { [UUID]: json.encode(uuid) };
  const bytes = json.encode(JSON.stringify(metadata));
  for (let at = 0, part = 0; at < bytes.length; at += HEADER_BYTES, part++) {
    headers[`${METADATA}${part}`] = bytes.slice(at, at + HEADER_BYTES);
  }
  return headers;
}

function bytesOf(value: bus.HeaderValue | undefined): Uint8Array {
  return typeof value === "string" ? json.encode(value) : value ?? new Uint8Array();
}

function messageOf(value: Uint8Array, headers: bus.Delivery["headers"]): Message {
  const parts: Uint8Array[] = [];
  for (let part = 0; headers.has(`${METADATA}${part}`); part++) {
    parts.push(bytesOf(headers.get(`${METADATA}${part}`)));
  }
  return {
    uuid: text.decode(bytesOf(headers.get(UUID))),
    metadata: JSON.parse(text.decode(Buffer.concat(parts)) || "{}"),
    payload: Buffer.from(value).toString("base64"),
  };
}

function sectionOf(env: Env, made?: string): bus.EventBusConfigInit {
  const driver = env["CQI_DRIVER"] || "memory";
  const brokers = (env["BROKERS"] || "127.0.0.1:9092").split(",");
  const partitions = Number(env["PARTITIONS"] || 6);
  return {
    driver,
    ...driver === "kafka" && { kafka: { brokers, ...HEARTBEATS } },
    ...driver === "kafkajs" && { kafkajs: { brokers, ...HEARTBEATS } },
    ensureTopics: driver !== "memory",
    ...driver === "memory" && { memory: { partitions } },
    ...made !== undefined && {
      topics: [{ name: made, partitions, replicationFactor: Number(env["RF"] || 1) }],
    },
    concurrency: SIDE_BY_SIDE,
    // What is refused comes again without end: nothing is set aside.
    deadLetter: { enabled: false },
    retry: { initialDelay: { nanos: 5_000_000 }, maxDelay: { nanos: 200_000_000 } },
    drainTimeout: { seconds: 3n },
  };
}

/** The buses of a worker. */
export interface Buses {
  open(group: string): Promise<number>;
  init(h: number, topic: string): Promise<void>;
  publish(h: number, topic: string, messages: readonly Message[]): Promise<void>;
  /** Deliveries come from `begin` on, so that the answer is out before the first of them. */
  subscribe(h: number, topic: string): Promise<{ readonly sub: number; begin(): void }>;
  settle(sub: number, d: number, acknowledged: boolean): void;
  cancel(sub: number): Promise<void>;
  close(h: number): Promise<void>;
  closeAll(): Promise<void>;
}

/**
 * Makes the buses of a worker, all on one broker.
 *
 * @param env Driver and addresses.
 * @param send Writes deliveries and ends.
 */
export function openBuses(env: Env, send: Reply): Buses {
  const broker = memoryBroker({ partitions: Number(env["PARTITIONS"] || 6) });
  const drivers: bus.OpenOptions["drivers"] = {
    memory: () => ({ createDriver: (config, given) => createDriver(config, given, broker) }),
  };
  const hosts = new Map<number, Host>();
  const subs = new Map<number, Sub>();
  let lastHost = 0;
  let lastSub = 0;
  let lastDelivery = 0;

  const openBus = (made?: string): Promise<bus.Bus> => bus.open(sectionOf(env, made), { drivers });

  const hostOf = (h: number): Host => {
    const host = hosts.get(h);
    if (host === undefined) throw new Error(`No bus ${h}`);
    return host;
  };

  const openHost = (h: number): Host => {
    const host = hostOf(h);
    if (host.closing !== undefined) throw new Error(`Bus ${h} is closed`);
    return host;
  };

  // A second subscription to a topic is another member of the group, so it has a bus of its own.
  const busFor = async (host: Host, topic: string): Promise<bus.Bus> => {
    if (host.group !== "" && host.taken.has(topic)) return await openBus();
    host.taken.add(topic);
    return host.main;
  };

  const topicOf = (name: string): bus.Topic<typeof BytesValueSchema> =>
    bus.topic(BytesValueSchema, { name });

  const subscribe = async (h: number, topic: string) => {
    const host = openHost(h);
    const on = await busFor(host, topic);
    const sub = ++lastSub;
    const pending = new Map<number, Pending>();
    const begun = Promise.withResolvers<void>();
    const handler = async (event: { value: Uint8Array }, delivery: bus.Delivery): Promise<void> => {
      await begun.promise;
      const d = ++lastDelivery;
      const answer = Promise.withResolvers<void>();
      const { signal } = delivery;
      const onAbort = (): void => answer.reject(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      if (signal.aborted) onAbort();
      pending.set(d, { ack: answer.resolve, nack: answer.reject });
      send({ sub, d, msg: messageOf(event.value, delivery.headers) });
      try {
        await answer.promise;
      } finally {
        pending.delete(d);
        signal.removeEventListener("abort", onAbort);
      }
    };
    const leave = async (): Promise<void> => {
      if (on === host.main) host.taken.delete(topic);
      else await on.close();
    };
    try {
      const subscription = await on.subscribe(topicOf(topic), handler, {
        ...host.group === "" ? { broadcast: true } : { group: host.group },
        startAt: "earliest",
        timeout: Infinity,
      });
      // It was closed meanwhile, and knows nothing of this one.
      openHost(h);
      let ending: Promise<void> | undefined;
      const entry: Sub = {
        pending,
        end: () =>
          ending ??= (async () => {
            begun.resolve();
            try {
              await subscription.close();
              await leave();
            } finally {
              host.subs.delete(entry);
              subs.delete(sub);
              send({ sub, end: true });
            }
          })(),
      };
      host.subs.add(entry);
      subs.set(sub, entry);
      return { sub, begin: begun.resolve };
    } catch (error) {
      begun.resolve();
      await leave();
      throw error;
    }
  };

  const close = (host: Host): Promise<void> =>
    host.closing ??= (async () => {
      const ends = await Promise.allSettled([...host.subs].map((entry) => entry.end()));
      await host.main.close();
      for (const end of ends) if (end.status === "rejected") throw end.reason;
    })();

  return {
    async open(group) {
      hosts.set(++lastHost, {
        group,
        main: await openBus(),
        taken: new Set(),
        subs: new Set(),
      });
      return lastHost;
    },
    async init(h, topic) {
      openHost(h);
      await using maker = await openBus(topic);
      await maker.ensureTopics([topic]);
    },
    async publish(h, topic, messages) {
      const { main } = hostOf(h);
      const target = topicOf(topic);
      await Promise.all(
        messages.map((message) =>
          main.publish(target, { value: bytesIn("payload", message.payload) }, {
            key: message.metadata["key"] || null,
            headers: headersOf(message),
          })
        ),
      );
    },
    subscribe,
    settle(sub, d, acknowledged) {
      const delivery = subs.get(sub)?.pending.get(d);
      if (acknowledged) delivery?.ack();
      else delivery?.nack(new Error("Refused"));
    },
    async cancel(sub) {
      await subs.get(sub)?.end();
    },
    close: (h) => close(hostOf(h)),
    async closeAll() {
      await Promise.all([...hosts.values()].map(close));
    },
  };
}
