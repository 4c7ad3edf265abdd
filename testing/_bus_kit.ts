import assert from "node:assert/strict";
import { type Bus, type Topic, topic } from "../bus/mod.ts";
import { systemClock, systemRandom, uuid } from "../core/mod.ts";
import { type PriceUpdated, PriceUpdatedSchema } from "../gen/ts/cqc/events/v1/mod.ts";
import { aPriceUpdated } from "./builders.ts";

/** An id that no other test uses. */
export function freshId(): string {
  return uuid(systemClock, systemRandom);
}

/** A typed topic of prices that no other test uses. */
export function freshTopic(): Topic<typeof PriceUpdatedSchema> {
  return topic(PriceUpdatedSchema, { name: `test.${freshId()}` });
}

/** A group that no other test uses. */
export function freshGroup(): string {
  return `group-${freshId()}`;
}

/** The sequence number of a price, which tests count by. */
export function numberOf(event: PriceUpdated): number {
  return Number(event.price?.sequence ?? -1);
}

/** Publishes prices numbered from `from` to before `to`, under one key or a key each. */
export async function publishNumbers(
  bus: Bus,
  target: Topic<typeof PriceUpdatedSchema>,
  from: number,
  to: number,
  key: (number: number) => string | null = () => "k",
): Promise<void> {
  const numbers = Array.from({ length: to - from }, (_, index) => from + index);
  await Promise.all(
    numbers.map((number) =>
      bus.publish(target, aPriceUpdated({ sequence: BigInt(number) }), { key: key(number) })
    ),
  );
}

/** Collects values until a condition holds. */
export interface Collector<T> {
  /** What was added so far. */
  readonly seen: T[];
  /** Adds a value. */
  add(value: T): void;
  /** Resolves when the condition holds for what was added. */
  until(done: (seen: readonly T[]) => boolean): Promise<readonly T[]>;
}

/** Makes a collector. */
export function collector<T>(): Collector<T> {
  const seen: T[] = [];
  const waiting = new Set<() => void>();
  return {
    seen,
    add(value) {
      seen.push(value);
      for (const check of waiting) check();
    },
    until: (done) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (!done(seen)) return;
          waiting.delete(check);
          resolve(seen);
        };
        waiting.add(check);
        check();
      }),
  };
}

/** All the numbers from 0 to before `count`. */
export function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** Asserts that each key's numbers rise, repeats of a redelivery left out. */
export function assertOrderPerKey(
  seen: readonly { readonly key: string; readonly n: number }[],
): void {
  const last = new Map<string, number>();
  const known = new Set<string>();
  for (const { key, n } of seen) {
    const id = `${key}/${n}`;
    if (known.has(id)) continue;
    known.add(id);
    assert.ok(n > (last.get(key) ?? -1), `key ${key}: ${n} came after ${last.get(key)}`);
    last.set(key, n);
  }
}
