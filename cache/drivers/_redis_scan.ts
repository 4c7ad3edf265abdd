import { Cluster, type Redis } from "ioredis";
import type { Lane } from "./_redis_lane.ts";

/** Keys that one step of a scan looks at. */
const STEP = 1000;

/** A pattern that matches exactly this text: globs of Redis know `\`. */
export function literal(text: string): string {
  return text.replace(/[\\*?[\]^]/g, (character) => `\\${character}`);
}

async function scan(
  lane: Lane,
  node: Redis | undefined,
  pattern: string,
  remove: (keys: readonly string[]) => Promise<number>,
  signal: AbortSignal | undefined,
): Promise<number> {
  let count = 0;
  let cursor = "0";
  do {
    const [next, keys] = await lane.send(
      (client) => (node ?? client as Redis).scan(cursor, "MATCH", pattern, "COUNT", STEP),
      { action: "scan", signal },
    );
    cursor = next;
    if (keys.length > 0) count += await remove(keys);
  } while (cursor !== "0");
  return count;
}

/**
 * Deletes all keys that begin with a prefix, and their leases; each step is a command of its own.
 * All leases first: what was being loaded when it began is then not stored behind a step.
 *
 * @param lease What the key of a lease ends with.
 * @returns How many keys there were, leases not counted.
 */
export async function clearPrefix(
  lane: Lane,
  prefix: string,
  isCluster: boolean,
  lease: string,
  signal: AbortSignal | undefined,
): Promise<number> {
  const nodes = await lane.send(
    (client) => Promise.resolve(client instanceof Cluster ? client.nodes("master") : [undefined]),
    { action: "scan", signal },
  );
  const remove = async (keys: readonly string[]): Promise<number> => {
    const groups = isCluster ? keys.map((key) => [key]) : [keys];
    const counts = await Promise.all(
      groups.map((group) =>
        lane.send((client) => client.unlink(...group), { action: "clear", signal })
      ),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  };
  const start = literal(prefix);
  const leases = isCluster ? `{${start}*}${literal(lease)}` : `${start}*${literal(lease)}`;
  for (const node of nodes) await scan(lane, node, leases, remove, signal);
  const values = (keys: readonly string[]): Promise<number> => {
    const wanted = keys.filter((key) => !key.endsWith(lease));
    return wanted.length === 0 ? Promise.resolve(0) : remove(wanted);
  };
  let count = 0;
  for (const node of nodes) count += await scan(lane, node, `${start}*`, values, signal);
  return count;
}
