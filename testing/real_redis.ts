import process from "node:process";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { sleep, systemClock } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import type { RedisConfigSchema } from "../gen/ts/cqc/config/v1/mod.ts";
import { type OwnedNode, type RedisNode, startNode } from "./_redis_node.ts";
import { redisCommand, type RedisReply } from "./_resp.ts";
import { freePort } from "./_server_process.ts";

export type { RedisNode, RedisReply };

/** Name under which the sentinels of {@linkcode realRedis} know the primary. */
const MASTER_NAME = "cqi";
const POLL_MS = 25;
const WITHIN_MS = 30_000;
const LAST_SLOT = 16_383;

/** Which Redis a test needs. */
export interface RealRedisOptions {
  /**
   * One server, a Cluster of three primaries, or a primary with a replica and a sentinel.
   *
   * @default {"single"}
   */
  readonly mode?: "single" | "cluster" | "sentinel";
  /** True for one that the test may fault: never the shared one of `TEST_REDIS`. @default {false} */
  readonly own?: boolean;
  /** Lines of the servers' configuration files, such as `requirepass secret`. @default {[]} */
  readonly config?: readonly string[];
}

/** A real Redis. */
export interface RealRedis extends AsyncDisposable {
  /** What it is. */
  readonly mode: "single" | "cluster" | "sentinel";
  /** The section `redis` of a configuration that reaches it. */
  readonly section: MessageInitShape<typeof RedisConfigSchema>;
  /** Its servers, the first primary first; empty for a shared one, which is not to be faulted. */
  readonly nodes: readonly RedisNode[];
  /** Its sentinels. */
  readonly sentinels: readonly RedisNode[];
  /**
   * Sends one command to the first server (not followed anywhere).
   *
   * @param words The command and its arguments.
   */
  command(words: readonly string[]): Promise<RedisReply>;
  /** Ends what was started and removes its folders. Twice is fine. */
  close(): Promise<void>;
}

/**
 * A real Redis for tests: the one that the variable `TEST_REDIS` names (`host:port`), else
 * processes of `redis-server` on free ports of the loopback address.
 *
 * @param options One server, Cluster or Sentinel, and whether the test will fault it.
 * @throws {CqiError} `CQI_DRIVER_MISSING` that says what to install.
 */
export async function realRedis(options: RealRedisOptions = {}): Promise<RealRedis> {
  const { mode = "single", own = false, config = [] } = options;
  const address = process.env["TEST_REDIS"] ?? "";
  if (mode === "single" && !own && config.length === 0 && address !== "") return given(address);
  switch (mode) {
    case "single":
      return single(await startNode(config));
    case "cluster":
      return await cluster(config);
    case "sentinel":
      return await sentinel(config);
  }
}

function given(address: string): RealRedis {
  const [host = "", port = ""] = address.split(":");
  if (host === "" || !/^\d{1,5}$/.test(port)) {
    throw new CqiError(
      "CQI_OPTION_INVALID",
      "Cannot use TEST_REDIS: it must be 'host:port' of one Redis server",
    );
  }
  const close = (): Promise<void> => Promise.resolve();
  return {
    mode: "single",
    section: { single: { host, port: Number(port) } },
    nodes: [],
    sentinels: [],
    command: (words) => redisCommand(Number(port), words, 5000, host),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function assemble(
  mode: RealRedis["mode"],
  section: RealRedis["section"],
  nodes: readonly OwnedNode[],
  sentinels: readonly OwnedNode[] = [],
): RealRedis {
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => closing ??= closeAll([...sentinels, ...nodes]);
  return {
    mode,
    section,
    nodes,
    sentinels,
    command: (words) => nodes[0]!.command(words),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function closeAll(nodes: readonly OwnedNode[]): Promise<void> {
  await Promise.all(nodes.map((node) => node.close()));
}

function single(node: OwnedNode): RealRedis {
  return assemble("single", { single: { host: "127.0.0.1", port: node.port } }, [node]);
}

async function until(what: string, done: () => Promise<boolean>): Promise<void> {
  const start = systemClock.monotonic();
  while (!await done()) {
    if (systemClock.monotonic() - start > WITHIN_MS) {
      throw new CqiError("CQI_DEADLINE_EXCEEDED", `Cannot start Redis: ${what} did not come about`);
    }
    await sleep(systemClock, POLL_MS);
  }
}

async function says(node: RedisNode, words: readonly string[], part: RegExp): Promise<boolean> {
  return part.test(String(await node.command(words)));
}

async function cluster(config: readonly string[]): Promise<RealRedis> {
  const lines = ["cluster-enabled yes", "cluster-node-timeout 2000", ...config];
  // The default, 10,000 above the port, may be no port at all.
  const busPorts = [await freePort(), await freePort(), await freePort()];
  const nodes = await startAll(
    busPorts.map((port) => () => startNode([`cluster-port ${port}`, ...lines])),
  );
  try {
    const [first, ...rest] = nodes as [OwnedNode, ...OwnedNode[]];
    const share = Math.ceil((LAST_SLOT + 1) / nodes.length);
    for (const [i, node] of nodes.entries()) {
      const last = Math.min(LAST_SLOT, (i + 1) * share - 1);
      await node.command(["cluster", "addslotsrange", String(i * share), String(last)]);
    }
    for (const [i, node] of rest.entries()) {
      const ports = [node.port, busPorts[i + 1]!].map(String);
      await first.command(["cluster", "meet", "127.0.0.1", ...ports]);
    }
    for (const node of nodes) {
      await until("the cluster", () => says(node, ["cluster", "info"], /cluster_state:ok/));
      await until("its members", () => says(node, ["cluster", "info"], /known_nodes:3/));
    }
  } catch (error) {
    await closeAll(nodes);
    throw error;
  }
  const addresses = nodes.map((node) => `127.0.0.1:${node.port}`);
  return assemble("cluster", { cluster: { nodes: addresses } }, nodes);
}

async function sentinel(config: readonly string[]): Promise<RealRedis> {
  const nodes = await startAll([() => startNode(["repl-diskless-sync-delay 0", ...config])]);
  const primary = nodes[0]!;
  const sentinels: OwnedNode[] = [];
  try {
    const follow = `replicaof 127.0.0.1 ${primary.port}`;
    nodes.push(await startNode([follow, "repl-diskless-sync-delay 0", ...config]));
    await until("replication", () => says(nodes[1]!, ["info"], /master_link_status:up/));
    sentinels.push(
      await startNode([
        `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${primary.port} 1`,
        `sentinel down-after-milliseconds ${MASTER_NAME} 1000`,
        `sentinel failover-timeout ${MASTER_NAME} 5000`,
      ], true),
    );
    await until("the sentinel's view", () => says(sentinels[0]!, ["info"], /slaves=1/));
  } catch (error) {
    await closeAll([...sentinels, ...nodes]);
    throw error;
  }
  const addresses = sentinels.map((node) => `127.0.0.1:${node.port}`);
  const section = { sentinel: { nodes: addresses, masterName: MASTER_NAME } };
  return assemble("sentinel", section, nodes, sentinels);
}

// One after the other: two that ask for a free port at once could get the same.
async function startAll(starters: readonly (() => Promise<OwnedNode>)[]): Promise<OwnedNode[]> {
  const nodes: OwnedNode[] = [];
  try {
    for (const start of starters) nodes.push(await start());
  } catch (error) {
    await closeAll(nodes);
    throw error;
  }
  return nodes;
}
