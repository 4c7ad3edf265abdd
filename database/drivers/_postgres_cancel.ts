import { Connection } from "pg";
import { once } from "node:events";
import type { ConnectionOptions } from "node:tls";
import type { Host } from "./_postgres_target.ts";

/** What a session gave for calling its statements off (message BackendKeyData). */
export interface CancelKey {
  readonly processId: number;
  readonly secret: number;
}

interface CancelWire {
  readonly stream: { destroy(): void };
  on(event: string, listener: () => void): void;
  connect(port: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processId: number, secret: number): void;
}

/**
 * Asks the server to call off what a session does (Canceling Requests in Progress, 55.2.8), over a
 * connection of its own, encrypted as the session's is. Resolves when the server has closed it,
 * which it does after the signal was sent: a later statement of the session is safe from it.
 *
 * @param host The session's server.
 * @param ssl The session's TLS settings.
 * @param key The session's key.
 * @param signal Ends the attempt; the outcome is then unknown.
 */
export async function requestCancel(
  host: Host,
  ssl: ConnectionOptions | false,
  key: CancelKey,
  signal: AbortSignal,
): Promise<void> {
  const connection = new Connection({ ssl });
  const wire = connection as unknown as CancelWire;
  const send = (): void => wire.cancel(key.processId, key.secret);
  wire.on("connect", () => ssl === false ? send() : wire.requestSsl());
  wire.on("sslconnect", send);
  // `once` rejects with an error event; the end comes after an error too, and nobody waits for it.
  wire.on("error", () => {});
  try {
    const ended = once(connection, "end", { signal });
    if (host.host.startsWith("/")) wire.connect(`${host.host}/.s.PGSQL.${host.port}`);
    else wire.connect(host.port, host.host);
    await ended;
  } finally {
    wire.stream.destroy();
  }
}
