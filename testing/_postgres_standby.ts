import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Place } from "./_postgres_admin.ts";
import {
  type PostgresPrograms,
  type PostgresServer,
  postgresServer,
  runProgram,
  serverFolder,
} from "./_postgres_server.ts";

/** A standby: it follows its primary, and takes no writes until it is promoted. */
export interface StandbyPostgres extends AsyncDisposable {
  /** Port, on the loopback address. */
  readonly port: number;
  /** Makes it a primary; resolves when the server has been told, and it takes writes soon after. */
  promote(): Promise<void>;
  /** Ends it. Twice is fine. */
  close(): Promise<void>;
}

/**
 * Copies a server and starts the copy as its standby.
 *
 * @param programs Where PostgreSQL is.
 * @param primary The server to follow.
 */
export async function startStandby(
  programs: PostgresPrograms,
  primary: Place,
): Promise<StandbyPostgres> {
  const folder = await serverFolder(programs.user);
  const data = join(folder, "data");
  const server = await follow(programs, primary, data).catch(async (error) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> =>
    closing ??= server.stop("immediate").then(() => rm(folder, { recursive: true, force: true }));
  return {
    port: server.port,
    promote: () => runProgram(programs, "pg_ctl", ["--pgdata", data, "promote", "--wait"]),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function follow(
  programs: PostgresPrograms,
  primary: Place,
  data: string,
): Promise<PostgresServer> {
  await runProgram(programs, "pg_basebackup", [
    ...["--pgdata", data, "--host", primary.host, "--port", String(primary.port)],
    ...["--username", primary.user, "--write-recovery-conf", "--checkpoint", "fast", "--no-sync"],
  ], { PGPASSWORD: primary.password });
  const server = await postgresServer(programs, data, {}, primary);
  await server.start();
  return server;
}
