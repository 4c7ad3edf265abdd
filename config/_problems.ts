import { CqiError } from "../errors/mod.ts";
import type { ConfigNode, ConfigProblem } from "./source.ts";

/** Where a setting that took effect, or a group of them, was set. */
export interface Place {
  readonly at: string;
  /** What it says; undefined for a group. */
  readonly text?: string;
  /** True when the value is never shown. */
  readonly hidden?: boolean;
}

/** Most mistakes that a message spells out; all of them are in its details. */
const SHOWN = 50;

/** Collects mistakes and where each setting came from. */
export class Findings {
  /** Mistakes in the order in which they were found. */
  readonly problems: ConfigProblem[] = [];
  /** Settings that took effect, and groups of them, by path. */
  readonly places: Map<string, Place> = new Map();
  /** Variables that secrets are read from. */
  readonly secretVariables: Set<string> = new Set();
  readonly #failed = new Set<string>();

  /** Notes a mistake; rules about the same setting are not looked at any more. */
  refuse(path: string, node: ConfigNode | undefined, message: string): void {
    this.#failed.add(path);
    this.problems.push({ path, source: node?.at ?? "", message });
  }

  /** Says that a setting has been told of already, perhaps under a mistyped name. */
  excuse(path: string): void {
    this.#failed.add(path);
  }

  /** Whether a mistake at, below or above a path was told already. */
  isTold(path: string): boolean {
    for (const failed of this.#failed) {
      if (failed === path || isBelow(failed, path) || isBelow(path, failed)) return true;
    }
    return false;
  }

  /** Where a setting, or the nearest group around it, was set. */
  sourceOf(path: string): string | undefined {
    for (let rest = path;;) {
      const place = this.places.get(rest);
      if (place !== undefined) return place.at;
      const cut = Math.max(rest.lastIndexOf("."), rest.lastIndexOf("["));
      if (cut <= 0) return undefined;
      rest = rest.slice(0, cut);
    }
  }
}

function isBelow(path: string, group: string): boolean {
  return path.startsWith(group) && (path[group.length] === "." || path[group.length] === "[");
}

/** The path of a member: `a.b`, `a[0]`, `a["key"]`. */
export function childPath(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

const LINE_REGEXP = /^(.*):(\d+)$/;

/** Mistakes as one goes through the files: source by source as they were found, line by line. */
function inOrder(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  const ranks = new Map<string, number>();
  const placed = problems.map((problem) => {
    const [, file = problem.source, line = "0"] = LINE_REGEXP.exec(problem.source) ?? [];
    const rank = ranks.get(file) ?? ranks.size;
    ranks.set(file, rank);
    return { problem, rank, line: Number(line) };
  });
  placed.sort((a, b) => a.rank - b.rank || a.line - b.line);
  return placed.map(({ problem }) => problem);
}

/** The error that tells all mistakes at once. */
export function invalidConfig(found: readonly ConfigProblem[]): CqiError {
  const problems = inOrder(found);
  const count = problems.length === 1 ? "1 mistake" : `${problems.length} mistakes`;
  const lines = problems.slice(0, SHOWN).map(({ path, source, message }) =>
    `- ${
      [source === "" ? "" : `${source}:`, path, message].filter((part) => part !== "").join(" ")
    }`
  );
  if (problems.length > SHOWN) lines.push(`- and ${problems.length - SHOWN} more`);
  return new CqiError(
    "CQI_CONFIG_INVALID",
    `Cannot load the configuration: it has ${count}\n${lines.join("\n")}`,
    { details: { problems } },
  );
}
