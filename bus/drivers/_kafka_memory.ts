/** What is read ahead, in bytes, shared among the topics of a consumer. */
export interface FetchMemory {
  /** How many topics share it. */
  topics: number;
  /** Notes what was read of a topic. */
  take(topic: string, bytes: number): void;
  /** Notes what was handed over. */
  give(topic: string, bytes: number): void;
  /** Whether more of a topic may be asked for. */
  has(topic: string): boolean;
  /** How much an answer about some topics may bring, one fetch more than there is room for. */
  allowance(topics: readonly string[]): number;
}

/**
 * Makes the memory of a fetcher. Topics take what is there, first come, first served; each has a
 * share that the others cannot take, so that one whose events wait does not keep the rest waiting.
 *
 * @param limit Bytes for all of them together.
 */
export function fetchMemory(limit: number): FetchMemory {
  const held = new Map<string, number>();
  let total = 0;
  const add = (topic: string, bytes: number): void => {
    total += bytes;
    const sum = (held.get(topic) ?? 0) + bytes;
    if (sum === 0) held.delete(topic);
    else held.set(topic, sum);
  };
  return {
    topics: 1,
    take: add,
    give: (topic, bytes) => add(topic, -bytes),
    has(topic) {
      return total <= limit || (held.get(topic) ?? 0) < limit / this.topics;
    },
    allowance(topics) {
      if (total <= limit) return limit;
      return Math.max(1, Math.floor((limit / this.topics) * new Set(topics).size));
    },
  };
}
