import { once } from "node:events";
import { createConnection, createServer, type Socket } from "node:net";
import type { AddressInfo } from "node:net";

/** What the proxy does to what goes through it. May be changed at any time. */
export interface Faults {
  /** Milliseconds that each answer is late. */
  latencyMs: number;
  /** Share of answers, 0 to 1, at which the connection is reset instead. */
  resetRate: number;
  /** Bytes from the client after which its connection is cut; Infinity for none. */
  cutAfterBytes: number;
  /** True lets nothing through in either direction, and keeps connections. */
  isBlackHole: boolean;
}

/** A TCP proxy that a test faults. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  readonly faults: Faults;
  /** Connections it has reset or cut so far. */
  readonly broken: number;
  close(): Promise<void>;
}

/** Starts a proxy before a port of the loopback address. */
export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const faults: Faults = {
    latencyMs: 0,
    resetRate: 0,
    cutAfterBytes: Infinity,
    isBlackHole: false,
  };
  const sockets = new Set<Socket>();
  let broken = 0;
  const server = createServer((client) => {
    const upstream = createConnection({ host: "127.0.0.1", port: target });
    const cut = (): void => {
      client.resetAndDestroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      // What breaks here is the test's doing.
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on("data", (chunk: Uint8Array) => {
      if (faults.isBlackHole) return;
      if (chunk.length >= faults.cutAfterBytes) {
        upstream.write(chunk.subarray(0, faults.cutAfterBytes), () => cut());
        faults.cutAfterBytes = Infinity;
        broken++;
        return;
      }
      faults.cutAfterBytes -= chunk.length;
      upstream.write(chunk);
    });
    upstream.on("data", (chunk: Uint8Array) => {
      if (faults.isBlackHole) return;
      if (Math.random() < faults.resetRate) {
        broken++;
        return cut();
      }
      if (faults.latencyMs === 0) client.write(chunk);
      else setTimeout(() => client.writable && client.write(chunk), faults.latencyMs);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> =>
    closing ??= new Promise((resolve) => {
      for (const socket of sockets) socket.destroy();
      server.close(() => resolve());
    });
  return {
    port: (server.address() as AddressInfo).port,
    faults,
    get broken() {
      return broken;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
