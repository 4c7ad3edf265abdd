// Who of a group gets which partition. Sticky: a partition stays where it is unless that is unfair.
// Cooperative (KIP-429): one that moves is first left to nobody, so that its owner finishes with it
// before the next generation gives it to the new one.

/** A member as the leader of the group sees it. */
export interface Candidate {
  readonly id: string;
  readonly topics: readonly string[];
  /** What it says it owns, by topic. */
  readonly owned: readonly { readonly topic: string; readonly partitions: readonly number[] }[];
  /** The generation it owned them in, or -1. */
  readonly generation: number;
}

/** Partitions by topic. */
export type Share = Map<string, number[]>;

interface Place {
  readonly topic: string;
  readonly partition: number;
  owner: Candidate | undefined;
}

/**
 * Shares partitions out. Members get an equal number of those they read, as far as that can be.
 *
 * @param members All members, in any order.
 * @param counts How many partitions each topic has.
 * @returns The share of each member by its id, without what another has to give up first.
 */
export function assign(
  members: readonly Candidate[],
  counts: ReadonlyMap<string, number>,
): Map<string, Share> {
  const sorted = [...members].sort((a, b) => (a.id < b.id ? -1 : 1));
  const before = formerOwners(sorted);
  const load = new Map(sorted.map((member) => [member, 0]));
  const add = (member: Candidate, by: number): void =>
    void load.set(member, load.get(member)! + by);
  const readersOf = (topic: string): Candidate[] =>
    sorted.filter((member) => member.topics.includes(topic));
  const leastOf = (readers: readonly Candidate[]): Candidate =>
    readers.reduce((least, each) => load.get(each)! < load.get(least)! ? each : least);

  const places: Place[] = [];
  for (const [topic, count] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const readers = readersOf(topic);
    if (readers.length === 0) continue;
    for (let partition = 0; partition < count; partition++) {
      const former = before.get(`${topic}:${partition}`);
      const owner = former !== undefined && readers.includes(former) ? former : undefined;
      if (owner !== undefined) add(owner, 1);
      places.push({ topic, partition, owner });
    }
  }
  for (const place of places) {
    if (place.owner !== undefined) continue;
    place.owner = leastOf(readersOf(place.topic));
    add(place.owner, 1);
  }
  // Each move makes the loads more even, so this ends.
  for (let moved = true; moved;) {
    moved = false;
    for (const place of places) {
      const least = leastOf(readersOf(place.topic));
      if (load.get(place.owner!)! - load.get(least)! < 2) continue;
      add(place.owner!, -1);
      add(least, 1);
      place.owner = least;
      moved = true;
    }
  }

  const shares = new Map<string, Share>(sorted.map(({ id }) => [id, new Map()]));
  for (const { topic, partition, owner } of places) {
    const former = before.get(`${topic}:${partition}`);
    if (former !== undefined && former !== owner) continue;
    const share = shares.get(owner!.id)!;
    if (!share.has(topic)) share.set(topic, []);
    share.get(topic)!.push(partition);
  }
  return shares;
}

// Of two members that say they own the same, the one of the later generation is right.
function formerOwners(members: readonly Candidate[]): Map<string, Candidate> {
  const owners = new Map<string, Candidate>();
  for (const member of members) {
    for (const { topic, partitions } of member.owned) {
      for (const partition of partitions) {
        const name = `${topic}:${partition}`;
        const other = owners.get(name);
        if (other === undefined || other.generation < member.generation) owners.set(name, member);
      }
    }
  }
  return owners;
}
