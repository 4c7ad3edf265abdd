import type { JsonValue } from "@bufbuild/protobuf";
import { join } from "node:path";
import process from "node:process";
import { goPrograms } from "./_go.ts";
import { sharedPython } from "./_python.ts";
import { output, ROOT } from "./_run.ts";

/** Where a record landed. */
export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** A record as another language reads it: the event decoded by the code generated for it. */
export interface Found extends Place {
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
  /** What the fields that all events have in common hold. */
  readonly event_id: string;
  readonly actor_id: string;
  readonly time: string;
  readonly event: JsonValue;
  /** Rules of the contracts that it breaks. */
  readonly rules: readonly string[];
}

/** A record that another language writes: the event encoded by the code generated for it. */
export interface Wanted {
  readonly topic: string;
  /** Full name of the message. */
  readonly type: string;
  readonly event: JsonValue;
  readonly key: string | null;
  /** Headers besides those of CloudEvents. */
  readonly headers?: Readonly<Record<string, string>>;
  /** True leaves all headers out. */
  readonly bare?: boolean;
}

/** A program in another language on the same Kafka. */
export interface Peer {
  readonly language: string;
  /** Reads so many records of topics from their beginning. */
  read(topics: readonly string[], count: number): Promise<Found[]>;
  /** Writes records in order and gives where each landed. */
  write(records: readonly Wanted[], compression?: string): Promise<Place[]>;
}

/** The Kafka client of Python; it has librdkafka within. */
const PYTHON_CLIENT = "confluent-kafka==2.16.1";

/**
 * The same program in Go, on franz-go, and in Python, on librdkafka.
 *
 * @param brokers Where Kafka is.
 */
export async function busPeers(brokers: readonly string[]): Promise<readonly Peer[]> {
  const { bus_peer: go } = await goPrograms("bus_peer");
  const python = await sharedPython(PYTHON_CLIENT);
  const script = join(ROOT, "tests", "interop", "python", "bus_peer.py");
  // Without the byte code that it would leave in the checkout.
  return [peer("Go", go, [], brokers), peer("Python", python, ["-B", script], brokers)];
}

function peer(
  language: string,
  command: string,
  args: readonly string[],
  brokers: readonly string[],
): Peer {
  const at = brokers.join();
  return {
    language,
    async read(topics, count) {
      return linesOf(await output(command, [...args, "read", at, topics.join(), `${count}`]));
    },
    async write(records, compression = "") {
      const input = records.map((record) => `${JSON.stringify(record)}\n`).join("");
      const env = { ...process.env, BUS_PEER_COMPRESSION: compression };
      return linesOf(await output(command, [...args, "write", at], { input, env }));
    },
  };
}

function linesOf<T>(text: string): T[] {
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as T);
}
