// A PostgreSQL server of our own: made, started, and stopped in all the ways that servers stop.

import { execFile } from "node:child_process";
import { chown, mkdir, mkdtemp, readdir, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { sleep, systemClock } from "../core/mod.ts";
import { CqiError, isCqiError } from "../errors/mod.ts";
import { administer, type Place } from "./_postgres_admin.ts";
import { freePort, type ServerProcess, startServer } from "./_server_process.ts";

const run = promisify(execFile);

/** A user id that programs run as; undefined for that of this process. */
export type RunAs = { readonly uid: number; readonly gid: number } | undefined;

/** Programs of PostgreSQL on this machine. */
export interface PostgresPrograms {
  /** Folder of `initdb`, `postgres` and `pg_basebackup`. */
  readonly folder: string;
  /** As whom they run. */
  readonly user: RunAs;
}

const DEBIAN_FOLDER = "/usr/lib/postgresql";

function missing(why: string): CqiError {
  return new CqiError(
    "CQI_DRIVER_MISSING",
    `Cannot start PostgreSQL: ${why}; install PostgreSQL 14 or later (package 'postgresql'), or ` +
      "set TEST_POSTGRES to the URL of a server where databases may be created",
  );
}

/** Finds the programs: on PATH, else the newest of Debian's folders. */
export async function findPostgres(): Promise<PostgresPrograms> {
  const versions = (await readdir(DEBIAN_FOLDER).catch(() => []))
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(DEBIAN_FOLDER, version, "bin"));
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...versions];
  for (const folder of folders) {
    if (folder === "") continue;
    // A link on PATH may stand alone: the other programs are beside what it points to.
    const initdb = await realpath(join(folder, "initdb")).catch(() => undefined);
    if (initdb !== undefined) return { folder: dirname(initdb), user: await runAs() };
  }
  throw missing("'initdb' is neither on PATH nor in " + DEBIAN_FOLDER);
}

/** PostgreSQL refuses to run as root: the user `postgres` stands in, which the packages make. */
async function runAs(): Promise<RunAs> {
  if (process.getuid?.() !== 0) return undefined;
  try {
    const id = async (flag: string): Promise<number> =>
      Number((await run("id", [flag, "postgres"])).stdout.trim());
    return { uid: await id("-u"), gid: await id("-g") };
  } catch {
    throw missing("it does not run as root, and there is no user 'postgres' to run as");
  }
}

/** Runs one of the programs to its end. */
export async function runProgram(
  { folder, user }: PostgresPrograms,
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  try {
    await run(join(folder, name), args, { ...user, env: { ...process.env, ...env } });
  } catch (error) {
    const { stderr } = error as { stderr?: unknown };
    throw new CqiError("CQI_UNAVAILABLE", `Cannot run ${name}: ${String(stderr).slice(0, 2000)}`, {
      cause: error,
    });
  }
}

/** A folder that the server may use, and nobody else. */
export async function serverFolder(user: RunAs): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "cqi_postgres_"));
  if (user !== undefined) await chown(folder, user.uid, user.gid);
  return folder;
}

/** Makes an empty cluster whose superuser `postgres` has the password. */
export async function initCluster(
  programs: PostgresPrograms,
  folder: string,
  password: string,
): Promise<string> {
  const data = join(folder, "data");
  const passwordFile = join(folder, "password");
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  if (programs.user !== undefined) {
    await chown(passwordFile, programs.user.uid, programs.user.gid);
  }
  await runProgram(programs, "initdb", [
    ...["--pgdata", data, "--username", "postgres", "--pwfile", passwordFile],
    ...["--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync"],
  ]);
  await rm(passwordFile);
  return data;
}

/** Whether it answers a statement; a server that starts up listens before it does. */
async function isAnswering(place: Place): Promise<boolean> {
  try {
    await administer(place, "select 1");
    return true;
  } catch (error) {
    // A wrong password is a mistake of the starter, not a server that is not there yet.
    if (isCqiError(error) && /28P01|28000/.test(error.message)) throw error;
    return false;
  }
}

/** A server that can be stopped and started again in its place. */
export interface PostgresServer {
  readonly port: number;
  readonly data: string;
  /** Whether it runs. */
  readonly running: boolean;
  /** Starts it; it answers when this resolves. */
  start(): Promise<void>;
  /** Stops it: `fast` ends sessions in peace, `immediate` as a crash would, and recovers after. */
  stop(mode: "fast" | "immediate"): Promise<void>;
  /** Kills it and all its sessions with SIGKILL. */
  kill(): Promise<void>;
  /** Stops all its processes where they are (SIGSTOP), or lets them go on. */
  freeze(isFrozen: boolean): Promise<void>;
  /** What it printed last. */
  output(): string;
}

/** Processes that a server has begun, by the process table. */
async function childrenOf(pid: number): Promise<readonly number[]> {
  const { stdout } = await run("ps", ["-A", "-o", "pid=,ppid="]);
  return stdout.split("\n").map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, parent]) => parent === pid).map(([child]) => child!);
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended meanwhile.
    }
  }
}

/**
 * Makes a server of a cluster; it does not run yet.
 *
 * @param programs Where PostgreSQL is.
 * @param data Folder of the cluster.
 * @param settings Settings of the server by name.
 * @param login Whom to ask as whether it answers; its port is not looked at.
 */
export async function postgresServer(
  programs: PostgresPrograms,
  data: string,
  settings: Readonly<Record<string, string>>,
  login: Place,
): Promise<PostgresServer> {
  const port = await freePort();
  const sockets = join(data, "..", "sockets");
  await mkdir(sockets, { recursive: true });
  if (programs.user !== undefined) await chown(sockets, programs.user.uid, programs.user.gid);
  const all: Record<string, string> = {
    port: String(port),
    listen_addresses: "127.0.0.1",
    unix_socket_directories: sockets,
    // What is lost when the machine loses power does not matter here; a killed process loses none.
    fsync: "off",
    full_page_writes: "off",
    // Less of a wait, and of memory, for each of many small servers.
    shared_buffers: "32MB",
    max_connections: "60",
    ...settings,
  };
  let server: ServerProcess | undefined;
  return {
    port,
    data,
    get running() {
      return server?.running ?? false;
    },
    async start() {
      server = await startServer({
        name: "PostgreSQL",
        command: join(programs.folder, "postgres"),
        args: ["-D", data, ...Object.entries(all).flatMap(([key, v]) => ["-c", `${key}=${v}`])],
        ...(programs.user === undefined ? {} : { user: programs.user }),
        ready: () => isAnswering({ ...login, port }),
        // Fast shutdown; SIGTERM would wait for sessions to end by themselves.
        stopSignal: "SIGINT",
      });
    },
    async stop(mode) {
      if (mode === "immediate") server?.signal("SIGQUIT");
      await server?.close();
    },
    async kill() {
      if (server === undefined || !server.running) return;
      const children = await childrenOf(server.pid);
      await server.kill();
      signal(children, "SIGKILL");
      // The next start refuses while one of them still has the shared memory.
      for (const pid of children) await ended(pid);
    },
    async freeze(isFrozen) {
      if (server === undefined || !server.running) return;
      const name = isFrozen ? "SIGSTOP" : "SIGCONT";
      // The parent first, so that it begins no further child.
      signal([server.pid], name);
      signal(await childrenOf(server.pid), name);
    },
    output: () => server?.output() ?? "",
  };
}

async function ended(pid: number): Promise<void> {
  for (let round = 0; round < 200; round++) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await sleep(systemClock, 10);
  }
}
