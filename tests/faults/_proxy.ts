// A TCP proxy that delays, cuts, swallows and stops what goes through it.

import { connect, createServer, type Socket } from "node:net";
import { once } from "node:events";

/** What the proxy does to what goes through it. May be changed at any time. */
export interface Faults {
  /** Milliseconds that each answer is late. */
  latencyMs: number;
  /** Share of answers, 0 to 1, at which the connection is reset instead. */
  resetRate: number;
  /** Bytes from the client after which its connection is cut, once; Infinity for never. */
  cutAfterBytes: number;
}

/** A proxy before a server on this machine. */
export interface Proxy extends AsyncDisposable {
  /** Where it listens, on 127.0.0.1. */
  readonly port: number;
  /** Connections open through it. */
  readonly open: number;
  readonly faults: Faults;
  /** Connections that `faults` has reset or cut so far. */
  readonly broken: number;
  /** Ends all connections as a broken network would (reset). */
  cut(): void;
  /** Holds everything back in both directions while sockets stay open; false lets it flow again. */
  hold(isHeld: boolean): void;
  /**
   * Lets the next request reach the server, swallows its answer, and cuts that connection.
   * Resolves when that has happened.
   */
  loseNextAnswer(): Promise<void>;
  /** Swallows the next request and cuts its connection. Resolves when that has happened. */
  loseNextRequest(): Promise<void>;
  close(): Promise<void>;
}

interface Trap {
  readonly kind: "answer" | "request";
  readonly sprung: () => void;
  socket: Socket | undefined;
}

/**
 * Starts a proxy.
 *
 * @param target Port of the server; asked for at each connection where it is a function, since some
 * servers must know the proxy before they start.
 */
export async function startProxy(target: number | (() => number)): Promise<Proxy> {
  const faults: Faults = { latencyMs: 0, resetRate: 0, cutAfterBytes: Infinity };
  const pairs = new Set<readonly [Socket, Socket]>();
  let broken = 0;
  let isHeld = false;
  let trap: Trap | undefined;
  const reset = ([client, upstream]: readonly [Socket, Socket]): void => {
    client.resetAndDestroy?.();
    client.destroy();
    upstream.destroy();
  };
  const server = createServer((client) => {
    const upstream = connect(typeof target === "number" ? target : target(), "127.0.0.1");
    client.setNoDelay(true);
    upstream.setNoDelay(true);
    const pair = [client, upstream] as const;
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      client.destroy();
      upstream.destroy();
    };
    const spring = (): void => {
      const { sprung } = trap!;
      trap = undefined;
      end();
      sprung();
    };
    client.on("data", (chunk: Uint8Array) => {
      if (trap?.kind === "request") return spring();
      if (trap?.kind === "answer") trap.socket ??= client;
      if (chunk.length >= faults.cutAfterBytes) {
        upstream.write(chunk.subarray(0, faults.cutAfterBytes), () => reset(pair));
        faults.cutAfterBytes = Infinity;
        broken++;
        return;
      }
      faults.cutAfterBytes -= chunk.length;
      upstream.write(chunk);
    });
    upstream.on("data", (chunk: Uint8Array) => {
      if (trap !== undefined && trap.socket === client) return spring();
      if (faults.resetRate > 0 && Math.random() < faults.resetRate) {
        broken++;
        return reset(pair);
      }
      if (faults.latencyMs === 0) client.write(chunk);
      else setTimeout(() => client.writable && client.write(chunk), faults.latencyMs);
    });
    if (isHeld) pair.forEach((socket) => socket.pause());
    for (const socket of pair) {
      socket.on("error", end);
      socket.on("close", end);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const set = (kind: Trap["kind"]): Promise<void> =>
    new Promise((sprung) => trap = { kind, sprung, socket: undefined });
  const cut = (): void => pairs.forEach(reset);
  let closing: Promise<void> | undefined;
  const shut = async (): Promise<void> => {
    const closed = once(server, "close");
    server.close();
    cut();
    await closed;
  };
  const close = (): Promise<void> => closing ??= shut();
  return {
    port,
    get open() {
      return pairs.size;
    },
    faults,
    get broken() {
      return broken;
    },
    cut,
    hold(held) {
      isHeld = held;
      for (const pair of pairs) {
        for (const socket of pair) held ? socket.pause() : socket.resume();
      }
    },
    loseNextAnswer: () => set("answer"),
    loseNextRequest: () => set("request"),
    close,
    [Symbol.asyncDispose]: close,
  };
}
