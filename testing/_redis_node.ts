// One redis-server or redis-sentinel of a test.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CqiError } from "../errors/mod.ts";
import { redisCommand, type RedisReply } from "./_resp.ts";
import { freePort, type ServerProcess, startServer } from "./_server_process.ts";

/** One Redis server that a test faults. */
export interface RedisNode {
  /** Port on the loopback address; the same after a restart. */
  readonly port: number;
  /** Process id of the running server. */
  readonly pid: number;
  /** Whether its process runs. */
  readonly running: boolean;
  /**
   * Sends one command over a connection of its own and gives the answer.
   *
   * @param words The command and its arguments, such as `["config", "set", "maxmemory", "2mb"]`.
   * @throws {CqiError} `CQI_UNAVAILABLE` with what the server refused it with.
   */
  command(words: readonly string[]): Promise<RedisReply>;
  /** Stops the process where it is (SIGSTOP): connections stay, nothing answers. */
  freeze(): void;
  /** Lets a frozen process go on. */
  thaw(): void;
  /** Kills the process (SIGKILL); what it held is lost. */
  kill(): Promise<void>;
  /** Starts it again on the same port, empty; kills it first if it runs. */
  restart(): Promise<void>;
}

/** A node, and how to be rid of it. */
export interface OwnedNode extends RedisNode {
  /** Ends the process and removes its folder. */
  close(): Promise<void>;
}

function missing(cause: unknown): CqiError {
  return new CqiError(
    "CQI_DRIVER_MISSING",
    "Cannot start Redis: 'redis-server' is not on the path; install it (Debian: apt-get install " +
      "redis-server redis-sentinel), or give the address of one in TEST_REDIS",
    { cause },
  );
}

/**
 * Starts a server on a free port in a folder of its own.
 *
 * @param config Lines of its configuration file, besides port and folder.
 * @param sentinel Whether it is a sentinel.
 */
export async function startNode(
  config: readonly string[],
  sentinel = false,
): Promise<OwnedNode> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), "cqi-redis-"));
  const file = join(folder, "redis.conf");
  const lines = [
    `port ${port}`,
    `dir ${folder}`,
    "bind 127.0.0.1",
    'save ""',
    "appendonly no",
    // The test's own process may die; nothing of it may go on for ever.
    "loglevel notice",
    ...config,
  ].filter((line) => !sentinel || !/^(save|appendonly)/.test(line));
  const ready = async (): Promise<boolean> => {
    try {
      await redisCommand(port, ["ping"], 1000);
      return true;
    } catch (error) {
      // A server that asks for a password is up.
      return error instanceof Error && error.message.includes("NOAUTH");
    }
  };
  const start = async (): Promise<ServerProcess> => {
    await writeFile(file, `${lines.join("\n")}\n`);
    try {
      return await startServer({
        name: sentinel ? "Redis Sentinel" : "Redis",
        command: "redis-server",
        args: sentinel ? [file, "--sentinel"] : [file],
        ready,
        readyWithinMs: 20_000,
      });
    } catch (error) {
      if (error instanceof Error && error.message.includes("ENOENT")) throw missing(error);
      throw error;
    }
  };
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  let server: ServerProcess;
  try {
    server = await start();
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    port,
    get pid() {
      return server.pid;
    },
    get running() {
      return server.running;
    },
    command: (words) => redisCommand(port, words),
    freeze: () => server.signal("SIGSTOP"),
    thaw: () => server.signal("SIGCONT"),
    kill: () => server.kill(),
    async restart() {
      await server.kill();
      server = await start();
    },
    async close() {
      // Nothing of a test's Redis is worth saving, and a busy one would not end in peace.
      await server.kill();
      await remove();
    },
  };
}
