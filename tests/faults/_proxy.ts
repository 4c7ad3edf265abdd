// A TCP proxy that cuts, swallows and stops what goes through it.

import { connect, createServer, type Socket } from "node:net";
import { once } from "node:events";

/** A proxy before a server on this machine. */
export interface Proxy {
  /** Where it listens, on 127.0.0.1. */
  readonly port: number;
  /** Connections open through it. */
  readonly open: number;
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
  const pairs = new Set<readonly [Socket, Socket]>();
  let isHeld = false;
  let trap: Trap | undefined;
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
    client.on("data", (chunk) => {
      if (trap?.kind === "request") return spring();
      if (trap?.kind === "answer") trap.socket ??= client;
      upstream.write(chunk);
    });
    upstream.on("data", (chunk) => {
      if (trap !== undefined && trap.socket === client) return spring();
      client.write(chunk);
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
  const cut = (): void => {
    for (const [client, upstream] of pairs) {
      client.resetAndDestroy?.();
      client.destroy();
      upstream.destroy();
    }
  };
  return {
    port,
    get open() {
      return pairs.size;
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
    async close() {
      server.close();
      cut();
      await once(server, "close");
    },
  };
}
