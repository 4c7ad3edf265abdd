/** What was seen of one bus, in the order in which it was seen. */
export type Entry =
  | { readonly kind: "publish"; readonly uuid: string; readonly key: string }
  | { readonly kind: "accepted" | "refused"; readonly uuid: string }
  | { readonly kind: "deliver"; readonly group: string; readonly uuid: string }
  | { readonly kind: "ack" | "nack"; readonly group: string; readonly uuid: string }
  // A member of the group was cancelled, closed or killed.
  | { readonly kind: "disrupt"; readonly group: string };

/** A rule of the protocol that a history breaks. */
export type Rule = "lost" | "g1a" | "order" | "skip" | "duplicate" | "unacked";

/** One way in which a history breaks a rule. */
export interface Finding {
  readonly rule: Rule;
  readonly group: string;
  readonly uuid: string;
}

interface Seen {
  /** Index among the publications of its key. */
  readonly at: number;
  readonly key: string;
  readonly accepted: boolean;
}

interface Told {
  acked: boolean;
  /** True while another delivery is due: refused, or unanswered when a member went. */
  due: boolean;
}

/**
 * Judges what the groups of one topic saw.
 *
 * @param history All of it, after everything had time to arrive.
 * @param groups Who should have received everything.
 */
export function judge(history: readonly Entry[], groups: readonly string[]): Finding[] {
  const published = publications(history);
  return groups.flatMap((group) => judgeGroup(history, published, group));
}

function publications(history: readonly Entry[]): Map<string, Seen> {
  const accepted = new Set<string>();
  for (const entry of history) if (entry.kind === "accepted") accepted.add(entry.uuid);
  const published = new Map<string, Seen>();
  const counts = new Map<string, number>();
  for (const entry of history) {
    if (entry.kind !== "publish") continue;
    const at = counts.get(entry.key) ?? 0;
    counts.set(entry.key, at + 1);
    published.set(entry.uuid, { at, key: entry.key, accepted: accepted.has(entry.uuid) });
  }
  return published;
}

function judgeGroup(
  history: readonly Entry[],
  published: ReadonlyMap<string, Seen>,
  group: string,
): Finding[] {
  const found: Finding[] = [];
  const told = new Map<string, Told>();
  const last = new Map<string, number>();
  const add = (rule: Rule, uuid: string): void => void found.push({ rule, group, uuid });

  const deliver = (uuid: string): void => {
    const message = published.get(uuid);
    const before = told.get(uuid);
    if (message === undefined) return add("g1a", uuid);
    if (before !== undefined) {
      if (!before.due) add("duplicate", uuid);
      before.due = false;
      return;
    }
    told.set(uuid, { acked: false, due: false });
    // Messages without a key have no order.
    if (message.key === "") return;
    if (message.at < (last.get(message.key) ?? -1)) add("order", uuid);
    else last.set(message.key, message.at);
  };

  for (const entry of history) {
    if (!("group" in entry) || entry.group !== group) continue;
    if (entry.kind === "deliver") deliver(entry.uuid);
    else if (entry.kind === "disrupt") {
      for (const each of told.values()) if (!each.acked) each.due = true;
    } else {
      const of = told.get(entry.uuid);
      if (of === undefined) continue;
      if (entry.kind === "ack") of.acked = true;
      else of.due = true;
    }
  }
  for (const [uuid, message] of published) {
    if (message.accepted && !told.has(uuid)) add("lost", uuid);
  }
  for (const [uuid, { acked }] of told) if (!acked) add("unacked", uuid);
  for (const uuid of skipped(published, told)) add("skip", uuid);
  return found;
}

// Accepted messages of a key that were never acknowledged though a later one of it was.
function skipped(
  published: ReadonlyMap<string, Seen>,
  told: ReadonlyMap<string, Told>,
): string[] {
  const highest = new Map<string, number>();
  for (const [uuid, { key, at }] of published) {
    if (key !== "" && told.get(uuid)?.acked) highest.set(key, at);
  }
  return [...published].filter(([uuid, { key, at, accepted }]) =>
    accepted && !told.get(uuid)?.acked && at < (highest.get(key) ?? -1)
  ).map(([uuid]) => uuid);
}
