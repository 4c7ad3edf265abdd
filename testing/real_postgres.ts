import type { MessageInitShape } from "@bufbuild/protobuf";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { systemClock, systemRandom, uuid } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import type { PostgresConfigSchema } from "../gen/ts/cqc/config/v1/mod.ts";
import { administer, type Place } from "./_postgres_admin.ts";
import { type StandbyPostgres, startStandby } from "./_postgres_standby.ts";
import {
  findPostgres,
  initCluster,
  type PostgresServer,
  postgresServer,
  serverFolder,
} from "./_postgres_server.ts";

export type { StandbyPostgres };

/** The section `postgres` as code writes it. */
export type PostgresFields = Omit<MessageInitShape<typeof PostgresConfigSchema>, "$typeName">;

/** The section `database` that opens a database on PostgreSQL. */
export interface PostgresSection {
  /** Name of the driver. */
  readonly driver: "postgres";
  /** Where it is, and as whom. */
  readonly postgres: PostgresFields;
}

/** How a real PostgreSQL is had. */
export interface RealPostgresOptions {
  /** A server of its own, which may be stopped, killed and frozen. @default {false} */
  readonly own?: boolean;
  /** Settings of a server of its own, by name, such as `max_connections`. @default {{}} */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A database on a real PostgreSQL, its caller's alone. */
export interface RealPostgres extends AsyncDisposable {
  /** Section that opens the database. */
  readonly section: PostgresSection;
  /** Connection string, password included. */
  readonly url: string;
  /** Name of the database. */
  readonly database: string;
  /** Host name or address. */
  readonly host: string;
  /** Port. */
  readonly port: number;
  /** User, who may do everything. */
  readonly user: string;
  /** Password. On a server of ours it has quotes, blanks, a backslash, `@` and `%`. */
  readonly password: string;
  /**
   * Section that opens the database, with other settings.
   *
   * @param more Fields of `postgres` to change, such as `port`.
   */
  sectionWith(more: PostgresFields): PostgresSection;
  /** Starts the server again. Servers of one's own only, as the next four. */
  start(): Promise<void>;
  /**
   * Stops the server.
   *
   * @param mode `fast` ends its sessions, `immediate` is a crash.
   */
  stop(mode?: "fast" | "immediate"): Promise<void>;
  /** Kills the server and all its processes (SIGKILL). */
  kill(): Promise<void>;
  /** Freezes the server and all its processes (SIGSTOP): sockets stay open and nothing answers. */
  freeze(): Promise<void>;
  /** Lets a frozen server go on. */
  thaw(): Promise<void>;
  /** Starts a standby that follows this server and can take its place. */
  standby(): Promise<StandbyPostgres>;
  /** What a server of one's own printed last. */
  output(): string;
  /** Drops the database, and ends the server if it is its own. Twice is fine. */
  close(): Promise<void>;
}

// What breaks connection strings that are put together by hand.
const PASSWORD = `p' w=x"\\ @/:?#%41`;

/**
 * A database of the caller's own on a real PostgreSQL: on the server that `TEST_POSTGRES` names
 * by its URL, else on one that is started for it from the programs on this machine.
 *
 * @param options Whether the server may be stopped and killed.
 * @throws `CQI_DRIVER_MISSING` where there is no PostgreSQL, with what to install.
 */
export async function realPostgres(options: RealPostgresOptions = {}): Promise<RealPostgres> {
  const given = process.env["TEST_POSTGRES"] ?? "";
  const folder = given === "" || options.own === true ? undefined : await serverFolder(undefined);
  if (folder !== undefined) return await onGiven(new URL(given), folder);
  const programs = await findPostgres();
  const home = await serverFolder(programs.user);
  let server: PostgresServer | undefined;
  try {
    const data = await initCluster(programs, home, PASSWORD);
    const place = { host: "127.0.0.1", port: 0, user: "postgres", password: PASSWORD };
    server = await postgresServer(programs, data, options.settings ?? {}, place);
    const { port } = server;
    await server.start();
    return await handOver({ ...place, port }, home, server, {
      isOwn: options.own === true,
      standby: (target) => startStandby(programs, target),
    });
  } catch (error) {
    await server?.stop("immediate");
    await rm(home, { recursive: true, force: true });
    throw error;
  }
}

interface Kind {
  /** The caller may stop the server. */
  readonly isOwn: boolean;
  readonly standby: (place: Place) => Promise<StandbyPostgres>;
}

async function onGiven(url: URL, folder: string): Promise<RealPostgres> {
  const place = {
    host: url.hostname,
    port: Number(url.port || 5432),
    user: decodeURIComponent(url.username) || "postgres",
    password: decodeURIComponent(url.password),
  };
  const refused = (): Promise<never> => Promise.reject(notOwn());
  return await handOver(place, folder, undefined, {
    isOwn: false,
    standby: refused,
  });
}

function notOwn(): CqiError {
  return new CqiError(
    "CQI_OPTION_INVALID",
    "Cannot stop a server that others use: ask for one with realPostgres({ own: true })",
  );
}

async function passwordFile(folder: string, password: string): Promise<string> {
  const file = join(folder, "database_password");
  await writeFile(file, `${password}\n`, { mode: 0o600 });
  return file;
}

function sectionOf(
  { host, port, user, password }: Place,
  file: string,
  name: string,
  more: PostgresFields = {},
): PostgresSection {
  const fields: PostgresFields = {
    host,
    port,
    user,
    database: name,
    ...(password === "" ? {} : { password: { valueSource: { case: "file", value: file } } }),
    ...more,
  };
  return { driver: "postgres", postgres: fields };
}

async function handOver(
  place: Place,
  folder: string,
  server: PostgresServer | undefined,
  kind: Kind,
): Promise<RealPostgres> {
  const { host, port, user, password } = place;
  const file = await passwordFile(folder, password);
  const name = `cqi_test_${uuid(systemClock, systemRandom).replaceAll("-", "")}`;
  // Of hexadecimal digits alone, so it needs no quoting.
  await administer(place, `create database ${name} template template0`);
  const section = sectionOf(place, file, name);
  const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
  const own = (): PostgresServer => {
    if (server === undefined || !kind.isOwn) throw notOwn();
    return server;
  };
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> =>
    closing ??= (async () => {
      await server?.freeze(false);
      if (server === undefined) {
        await administer(place, `drop database if exists ${name} with (force)`);
      }
      await server?.stop("immediate");
      await rm(folder, { recursive: true, force: true });
    })();
  return {
    section,
    url: `postgres://${login}@${host}:${port}/${name}`,
    database: name,
    host,
    port,
    user,
    password,
    sectionWith: (more) => sectionOf(place, file, name, more),
    start: async () => await own().start(),
    stop: async (mode = "fast") => await own().stop(mode),
    kill: async () => await own().kill(),
    freeze: async () => await own().freeze(true),
    thaw: async () => await own().freeze(false),
    standby: async () => {
      own();
      return await kind.standby(place);
    },
    output: () => server?.output() ?? "",
    close,
    [Symbol.asyncDispose]: close,
  };
}
