import { type Clock, withDeadline } from "../core/mod.ts";

/** Most loads at a time that nobody waits for; beyond, stale values are served as they are. */
const MAX_REFRESHES = 64;
/** Most keys whose last failed load is remembered; the oldest go first. */
const MAX_BACKOFFS = 10_000;

/** What a flight brings. */
export interface Landed {
  /** How the value was found, as the counters name it. */
  readonly result: string;
  /** Shared by all who wait. Undefined: there is no such value. */
  readonly payload: Uint8Array | undefined;
}

/** What a flight brought, with the value that its look-up has decoded, for the first who takes it. */
export interface Answered extends Landed {
  spare?: unknown;
}

/** One look-up and load of one key, which any number of callers wait for. */
export class Flight {
  readonly key: string;
  readonly answer: Promise<Answered>;
  readonly #resolvers = Promise.withResolvers<Answered>();
  // Made when a load asks for its signal: a hit has no use for one.
  #controller: AbortController | undefined;
  #reason: unknown;
  isAborted = false;
  /** How the look-up ended, for those who wait when the load fails. */
  result = "miss";
  waiters = 0;
  /** Goes on though nobody waits. */
  background = false;
  /** A write came in between: what is loaded is older than it, and is not stored. */
  detached = false;
  /** Tags that may go with what it brings; undefined: any may. */
  tags: readonly string[] | undefined;

  constructor(key: string, tags: readonly string[] | undefined) {
    this.key = key;
    this.tags = tags;
    this.answer = this.#resolvers.promise;
    // Those who wait see the error; a flight that all have left must not be an unhandled one.
    this.answer.catch(() => {});
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.isAborted) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Answers all who wait now or later. Only the first of all answers counts. */
  land(landed: Answered): void {
    this.#resolvers.resolve(landed);
  }

  fail(error: unknown): void {
    this.#resolvers.reject(error);
  }

  abort(reason: unknown): void {
    if (!this.isAborted) {
      this.isAborted = true;
      this.#reason = reason;
      this.#controller?.abort(reason);
    }
    this.fail(reason);
  }
}

/** The flights of one cache: at most one for a key that newcomers may join. */
export class Flights {
  readonly #clock: Clock;
  readonly #open = new Map<string, Flight>();
  // Detached ones too, so that closing ends them.
  readonly #all = new Set<Flight>();
  readonly #backoffs = new Map<string, number>();
  readonly #running = new Set<Promise<void>>();
  #refreshes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The flight to join, or undefined. */
  get(key: string): Flight | undefined {
    return this.#open.get(key);
  }

  /** @param tags Tags that may go with what it brings; undefined: any may. */
  start(key: string, tags?: readonly string[]): Flight {
    const flight = new Flight(key, tags);
    this.#open.set(key, flight);
    this.#all.add(flight);
    return flight;
  }

  /** Waits for a flight. The last caller who leaves ends it, the others only free themselves. */
  async wait(flight: Flight, signal: AbortSignal | undefined): Promise<Answered> {
    if (signal === undefined) {
      // Counted and never taken back: whoever cannot leave keeps the flight going.
      flight.waiters++;
      return await flight.answer;
    }
    flight.waiters++;
    try {
      return await withDeadline(this.#clock, Infinity, () => flight.answer, { signal });
    } finally {
      flight.waiters--;
      if (signal.aborted && flight.waiters === 0 && !flight.background) {
        this.leave(flight);
        flight.abort(signal.reason);
      }
    }
  }

  /** Lets a flight go on by itself; false when too many do so already. */
  refresh(flight: Flight): boolean {
    if (flight.background) return true;
    if (this.#refreshes >= MAX_REFRESHES) return false;
    this.#refreshes++;
    flight.background = true;
    return true;
  }

  /** The flight has done all it had to. */
  end(flight: Flight): void {
    this.leave(flight);
    this.#all.delete(flight);
    if (flight.background) this.#refreshes--;
  }

  /** The key is written: newcomers join no flight that began before, and it stores nothing. */
  detach(key: string): void {
    const flight = this.#open.get(key);
    if (flight === undefined) return;
    flight.detached = true;
    this.#open.delete(key);
  }

  detachAll(prefix: string): void {
    for (const key of [...this.#open.keys()]) if (key.startsWith(prefix)) this.detach(key);
  }

  /** As `detach` of all that may bring a value with one of these tags. */
  detachTags(tags: readonly string[]): void {
    for (const { key, tags: own } of [...this.#open.values()]) {
      if (own === undefined || own.some((tag) => tags.includes(tag))) this.detach(key);
    }
  }

  /** Whether a load of this key failed so lately that it is not tried again yet. */
  isBackedOff(key: string): boolean {
    const until = this.#backoffs.get(key);
    if (until === undefined) return false;
    if (this.#clock.monotonic() < until) return true;
    this.#backoffs.delete(key);
    return false;
  }

  backOff(key: string, ms: number): void {
    this.#backoffs.delete(key);
    this.#backoffs.set(key, this.#clock.monotonic() + ms);
    if (this.#backoffs.size <= MAX_BACKOFFS) return;
    for (const oldest of this.#backoffs.keys()) {
      this.#backoffs.delete(oldest);
      return;
    }
  }

  /** What a flight does; it never rejects. */
  track(run: Promise<void>): void {
    this.#running.add(run);
    void run.finally(() => this.#running.delete(run));
  }

  /** Ends all loads. Resolves when what was loaded by then is stored, and no lease is held. */
  async close(reason: unknown): Promise<void> {
    for (const flight of this.#all) flight.abort(reason);
    this.#open.clear();
    await Promise.all(this.#running);
  }

  /** Newcomers do not join it any more. */
  leave(flight: Flight): void {
    if (this.#open.get(flight.key) === flight) this.#open.delete(flight.key);
  }
}
