import type { Redis } from "ioredis";
import type { Clock, Timer } from "../../core/mod.ts";
import type { Lane } from "./_redis_lane.ts";

/** What a {@linkcode watchConnection} needs. */
export interface WatchOptions {
  readonly client: Redis;
  readonly lane: Lane;
  readonly clock: Clock;
  readonly commandTimeoutMs: number;
}

/**
 * Ends a connection that is dead whatever TCP says of it, so that a new one is made: one that owes
 * answers, also those it begins with, and from which nothing has come for as long as two commands
 * may take. The client's own way is a timer for each command, which is felt in what it costs.
 *
 * @returns Stops watching.
 */
export function watchConnection(options: WatchOptions): () => void {
  const { client, lane, clock, commandTimeoutMs } = options;
  let timer: Timer;
  let stream: Redis["stream"] | undefined;
  let bytesRead = 0;
  let silentMs = 0;
  const look = (): void => {
    const owes = client.status === "connect" || lane.unanswered > 0;
    const isSame = client.stream === stream && stream?.bytesRead === bytesRead;
    silentMs = owes && isSame ? silentMs + commandTimeoutMs : 0;
    stream = client.stream;
    bytesRead = stream?.bytesRead ?? 0;
    if (silentMs >= commandTimeoutMs * 2) {
      silentMs = 0;
      stream?.destroy();
    }
    timer = clock.timer(look, commandTimeoutMs, { background: true });
  };
  timer = clock.timer(look, commandTimeoutMs, { background: true });
  return () => timer.cancel();
}
