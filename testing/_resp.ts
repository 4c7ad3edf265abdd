// A Redis client of one command at a time, so that starting and faulting a server needs no package.
// Source: RESP2, redis.io/docs/latest/develop/reference/protocol-spec

import { createConnection, type Socket } from "node:net";
import { systemClock, withDeadline } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";

/** What a server answers. */
export type RedisReply = string | number | null | readonly RedisReply[];

interface Parsed {
  readonly value: RedisReply | Error;
  readonly end: number;
}

function parse(text: string, at: number): Parsed | undefined {
  const line = text.indexOf("\r\n", at);
  if (line < 0) return undefined;
  const head = text.slice(at + 1, line);
  const end = line + 2;
  switch (text[at]) {
    case "+":
      return { value: head, end };
    case "-":
      return { value: new CqiError("CQI_UNAVAILABLE", `Redis refused: ${head}`), end };
    case ":":
      return { value: Number(head), end };
    case "$": {
      const length = Number(head);
      if (length < 0) return { value: null, end };
      if (text.length < end + length + 2) return undefined;
      return { value: text.slice(end, end + length), end: end + length + 2 };
    }
    case "*": {
      const items: RedisReply[] = [];
      let next = end;
      for (let i = 0; i < Number(head); i++) {
        const item = parse(text, next);
        if (item === undefined) return undefined;
        items.push(item.value instanceof Error ? item.value.message : item.value);
        next = item.end;
      }
      return { value: items, end: next };
    }
    default:
      throw new CqiError("CQI_INTERNAL", "Cannot read an answer of Redis: it is no RESP2");
  }
}

function exchange(socket: Socket, request: string): Promise<RedisReply> {
  return new Promise((resolve, reject) => {
    let text = "";
    socket.on("data", (chunk) => {
      // One character for each byte, so that lengths fit; answers here are ASCII.
      text += chunk.toString("latin1");
      const parsed = parse(text, 0);
      if (parsed === undefined) return;
      if (parsed.value instanceof Error) reject(parsed.value);
      else resolve(parsed.value);
    });
    socket.on("error", reject);
    socket.on(
      "close",
      () =>
        reject(new CqiError("CQI_UNAVAILABLE", "Redis closed the connection without an answer")),
    );
    socket.write(request);
  });
}

/**
 * Sends one command over a connection of its own.
 *
 * @param port Port on the loopback address.
 * @param args The command's words.
 * @param timeoutMs Milliseconds to wait for the answer.
 */
export async function redisCommand(
  port: number,
  args: readonly string[],
  timeoutMs = 5000,
  host = "127.0.0.1",
): Promise<RedisReply> {
  const words = args.map((word) => `$${new TextEncoder().encode(word).length}\r\n${word}\r\n`);
  const socket = createConnection({ host, port });
  try {
    return await withDeadline(
      systemClock,
      timeoutMs,
      () => exchange(socket, `*${args.length}\r\n${words.join("")}`),
      { action: `Redis command '${args[0]}'` },
    );
  } finally {
    socket.destroy();
  }
}
