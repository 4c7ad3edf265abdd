// The other end of _kafka_child.ts.

import { fileURLToPath } from "node:url";
import { type Child, startChild } from "../_child.ts";
import type { MemberSettings } from "./_kafka_child.ts";

/** A member of a group in a process of its own. */
export interface Member extends Child {
  /** Events that it has begun, by number, in that order. */
  readonly begun: readonly number[];
  /** Events that it has done. */
  readonly done: readonly number[];
  /** The most memory that it said to have, in MiB. */
  readonly peakMiB: number;
}

const CHILD = fileURLToPath(new URL("./_kafka_child.ts", import.meta.url));

/** Starts a member. */
export function startMember(
  settings:
    & Pick<MemberSettings, "place" | "topic" | "group" | "takesMs">
    & Partial<MemberSettings>,
): Member {
  const all: MemberSettings = { inFlight: 20, concurrency: 20, drainMs: 5000, ...settings };
  const child = startChild(CHILD, [JSON.stringify(all)]);
  const begun: number[] = [];
  const done: number[] = [];
  let peakMiB = 0;
  let rest = "";
  child.process.stdout!.on("data", (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      const [what, number] = line.split(" ");
      if (what === "got") begun.push(Number(number));
      else if (what === "did") done.push(Number(number));
      else if (what === "rss") peakMiB = Math.max(peakMiB, Number(number));
    }
  });
  return {
    ...child,
    begun,
    done,
    get peakMiB() {
      return peakMiB;
    },
  };
}
