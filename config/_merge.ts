import type { Shape, Slot } from "./_shape.ts";
import type { ConfigMap, ConfigNode } from "./source.ts";

const isNull = (node: ConfigNode): boolean => node.kind === "scalar" && node.value === null;

/** A node without the settings that take back what is not there. */
function withoutNulls(node: ConfigNode): ConfigNode {
  if (node.kind !== "map") return node;
  const entries = new Map<string, ConfigNode>();
  for (const [key, child] of node.entries) {
    if (!isNull(child)) entries.set(key, withoutNulls(child));
  }
  return { ...node, entries };
}

function shapeAt(shape: Shape | undefined, key: string): Shape | undefined {
  const slot: Slot | undefined = shape?.slots.get(key);
  return slot?.kind === "group" ? slot.shape() : undefined;
}

/**
 * Puts a stronger source over a weaker one: maps by name at every depth, lists and values as a
 * whole. Null takes a setting back. A member of a `oneof` takes the others back.
 *
 * @param lower The weaker one.
 * @param higher The stronger one.
 * @param shape Which names exclude each other.
 */
export function merge(lower: ConfigMap, higher: ConfigMap, shape?: Shape): ConfigMap {
  const entries = new Map(lower.entries);
  for (const [key, node] of higher.entries) {
    for (const group of shape?.exclusive ?? []) {
      if (!group.includes(key) || isNull(node)) continue;
      for (const other of group) {
        if (other !== key && !higher.entries.has(other)) entries.delete(other);
      }
    }
    const below = entries.get(key);
    if (isNull(node)) entries.delete(key);
    else if (below?.kind === "map" && node.kind === "map") {
      entries.set(key, merge(below, node, shapeAt(shape, key)));
    } else entries.set(key, withoutNulls(node));
  }
  // A line of a file tells more than the name of a variable.
  return { kind: "map", entries, at: higher.at.includes(":") ? higher.at : lower.at || higher.at };
}
