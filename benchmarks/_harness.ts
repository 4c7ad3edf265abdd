// Runs contenders in alternating rounds and prints what each operation costs, and how that compares
// with the first of them. Alternating, since a machine's speed drifts; medians, since it hiccups.

import { availableParallelism } from "node:os";
import process from "node:process";
import { systemClock } from "../core/mod.ts";

/** One way of doing the work. */
export interface Contender {
  /** What it is, for the table. */
  readonly name: string;
  /**
   * Does the work `times` times.
   *
   * @returns The milliseconds that count, where not all of it does.
   */
  run(times: number): void | number | Promise<void | number>;
}

/** Ways of doing the same work; the first is what the others are compared with. */
export interface Comparison {
  /** What is measured. */
  readonly title: string;
  /** Base first. */
  readonly contenders: readonly Contender[];
  /** Rounds that count, in place of the usual number. */
  readonly rounds?: number;
  /** How long a round takes, in milliseconds, where something slow is measured. */
  readonly roundMs?: number;
  /** How much work a round is, in place of as much as its time allows. */
  readonly times?: number;
}

/** One area's comparisons. */
export interface Benchmark {
  /** Comparisons in the order they are printed. */
  readonly comparisons: readonly Comparison[];
  /** Releases what the contenders hold. */
  close(): Promise<void>;
}

/** Rounds that count; as many as make a median steady within some 5 %. */
const ROUNDS = 11;
/** How long one contender runs in one round, in milliseconds. */
const ROUND_MS = 120;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

async function timed(contender: Contender, times: number): Promise<number> {
  const start = systemClock.monotonic();
  const counted = await contender.run(times);
  return counted ?? systemClock.monotonic() - start;
}

// Doubles the work until it takes as long as a round; warms the code up on the way.
async function calibrate(contender: Contender, roundMs: number): Promise<number> {
  for (let times = 64;; times *= 2) {
    const ms = await timed(contender, times);
    if (ms >= roundMs / 2) return Math.max(1, Math.round(times * (roundMs / ms)));
  }
}

function shown(nanoseconds: number): string {
  return nanoseconds < 10_000
    ? `${nanoseconds.toFixed(0)} ns`
    : `${(nanoseconds / 1000).toFixed(1)} us`;
}

/** Which runtime this is, for the heading. */
export function runtimeName(): string {
  const { deno, bun, node } = process.versions;
  return deno !== undefined ? `Deno ${deno}` : bun !== undefined ? `Bun ${bun}` : `Node ${node}`;
}

/** Prints a line. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Prints on what and how it is measured. */
export function printHeading(): void {
  const { arch, platform } = process;
  print(`${runtimeName()}, ${availableParallelism()} cores, ${platform} ${arch}`);
  print(`Medians of ${ROUNDS} alternating rounds of ${ROUND_MS} ms; ratio to the first line\n`);
}

/**
 * Runs a comparison and prints it.
 *
 * @param comparison Base first.
 */
export async function compare(comparison: Comparison): Promise<void> {
  const { title, contenders, rounds: count = ROUNDS, roundMs = ROUND_MS } = comparison;
  const times: number[] = [];
  for (const contender of contenders) {
    times.push(comparison.times ?? await calibrate(contender, roundMs));
  }
  const rounds: number[][] = contenders.map(() => []);
  for (let round = 0; round < count; round++) {
    for (const [i, contender] of contenders.entries()) {
      const ms = await timed(contender, times[i]!);
      rounds[i]!.push((ms * 1e6) / times[i]!);
    }
  }
  print(count === ROUNDS ? title : `${title} (${count} rounds)`);
  for (const [i, { name }] of contenders.entries()) {
    const ratio = median(rounds[i]!.map((ns, round) => ns / rounds[0]![round]!));
    const spread = `${shown(Math.min(...rounds[i]!))} to ${shown(Math.max(...rounds[i]!))}`;
    const figure = shown(median(rounds[i]!)).padStart(9);
    print(`  ${name.padEnd(44)} ${figure}  x${ratio.toFixed(2).padStart(6)}  (${spread})`);
  }
  print("");
}
