import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { CqiError } from "../errors/mod.ts";
import { type ServerProcess, startServer } from "./_server_process.ts";

/** One node of a cluster, broker and controller in one process. */
export interface KafkaNode {
  /** Its number, from 1. */
  readonly id: number;
  /** Its address, `host:port`; the same after a restart. */
  readonly address: string;
  /** Whether its process runs, frozen or not. */
  readonly running: boolean;
  /** Starts it, on the data it had before; resolves when it answers. */
  start(): Promise<void>;
  /** Kills it (SIGKILL); resolves when it is gone. */
  kill(): Promise<void>;
  /** Ends it in peace, which hands its partitions over first. */
  stop(): Promise<void>;
  /** Freezes it: connections stay and nobody answers. */
  freeze(): void;
  /** Lets it go on. */
  thaw(): void;
  /** The last of what it printed. */
  output(): string;
}

/** What a node is. */
export interface KafkaNodeOptions {
  readonly id: number;
  readonly libraries: string;
  readonly folder: string;
  readonly port: number;
  readonly controllerPort: number;
  readonly settings: Readonly<Record<string, string>>;
}

// One cluster a test: nobody else knows its ports.
const CLUSTER_ID = "Y3FpLXRlc3QtY2x1c3Rlcg";
// A short life: the quick compiler, the simple collector. Room for thousands of topics, since those
// of many tests add up.
const JAVA = [
  ...["-Xms128m", "-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"],
  "-XX:+ExitOnOutOfMemoryError",
];

/** Makes a node that is not started yet. */
export function kafkaNode(options: KafkaNodeOptions): KafkaNode {
  const { id, folder, port } = options;
  const classPath = ["-cp", `${options.libraries}/*`];
  const config = `${folder}/server.properties`;
  let server: ServerProcess | undefined;
  let formatted: Promise<void> | undefined;

  const format = async (): Promise<void> => {
    await mkdir(folder, { recursive: true });
    await writeFile(config, propertiesOf(options));
    await run("java", [
      ...JAVA,
      ...classPath,
      "kafka.tools.StorageTool",
      ...["format", "-t", CLUSTER_ID, "-c", config],
    ]);
  };

  return {
    id,
    address: `127.0.0.1:${port}`,
    get running() {
      return server?.running === true;
    },
    async start() {
      if (server?.running === true) return;
      await (formatted ??= format());
      server = await startServer({
        name: `node ${id} of Kafka`,
        command: "java",
        args: [...JAVA, ...classPath, "kafka.Kafka", config],
        ready: () => answers(port),
        readyWithinMs: 120_000,
      });
    },
    kill: async () => await server?.kill(),
    stop: async () => await server?.close(),
    freeze: () => server?.signal("SIGSTOP"),
    thaw: () => server?.signal("SIGCONT"),
    output: () => server?.output() ?? "",
  };
}

function propertiesOf({ id, folder, port, controllerPort, settings }: KafkaNodeOptions): string {
  const all: Record<string, string> = {
    "process.roles": "broker,controller",
    "node.id": `${id}`,
    "listeners": `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${port}`,
    "controller.listener.names": "CONTROLLER",
    "log.dirs": `${folder}/data`,
    ...settings,
  };
  return Object.entries(all).map(([name, value]) => `${name}=${value}\n`).join("");
}

async function run(command: string, args: readonly string[]): Promise<void> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (chunk) => output += chunk);
  child.stderr.on("data", (chunk) => output += chunk);
  const [code] = await once(child, "close");
  if (code === 0) return;
  throw new CqiError(
    "CQI_UNAVAILABLE",
    `Cannot prepare Kafka, exit ${code}: ${output.slice(-2000)}`,
  );
}

// ApiVersions, version 0, which every broker answers: length, key 18, version, correlation 1, no
// client id.
const ASK = Uint8Array.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 255, 255]);

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, timeout: 2000 });
    const end = (answered: boolean): void => {
      socket.destroy();
      resolve(answered);
    };
    socket.once("connect", () => socket.write(ASK));
    socket.once("data", () => end(true));
    socket.once("error", () => end(false));
    socket.once("close", () => end(false));
    socket.once("timeout", () => end(false));
  });
}
