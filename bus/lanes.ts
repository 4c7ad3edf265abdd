/**
 * Lets others run while a task waits: its place is theirs until the wait is over, its lane is not.
 * Resolves, or rejects, as the wait did once there is a place again.
 */
export type Rest = <T>(wait: Promise<T>) => Promise<T>;

/**
 * Work of one record. One that throws is over; whoever had it started hears of it once all others
 * that may run have been started too.
 *
 * @param rest Lets others run meanwhile.
 * @param done To be called once, when the work is over; the next of its lane starts then.
 */
export type LaneTask = (rest: Rest, done: () => void) => void;

/**
 * Runs tasks of one lane one after another and lanes side by side, a bounded number at once. A lane
 * is a partition and key, so a slow or retrying key holds up nobody but itself.
 */
export interface Lanes {
  /**
   * Adds a task to the end of its lane. One that may run at once does so before this returns.
   *
   * @param lane Name of the lane; undefined runs it in no order with others.
   * @param task The work.
   */
  push(lane: string | undefined, task: LaneTask): void;
  /** Stops or goes on starting tasks; running and resting ones finish. */
  pause(paused: boolean): void;
  /** Tasks that rest, and those that wait behind them. */
  readonly parked: number;
}

// Array.shift moves all that is left; this does so now and then.
class Queue<T> {
  readonly #items: (T | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head === this.#items.length || (this.#head > 1024 && this.#head > this.length)) {
      this.#items.splice(0, this.#head);
      this.#head = 0;
    }
    return item;
  }
}

// One that has a task ready, running or resting.
interface Lane {
  readonly name: string | undefined;
  /** The task whose turn it is. */
  task: LaneTask;
  /** Those behind it. */
  waiting?: Queue<LaneTask>;
  isResting: boolean;
}

/**
 * Makes a scheduler.
 *
 * @param concurrency How many tasks run at once, 1 or more.
 * @param onPark Called when tasks have come to rest.
 */
export function lanes(concurrency: number, onPark: () => void = () => {}): Lanes {
  const byName = new Map<string, Lane>();
  const ready = new Queue<Lane>();
  // Tasks back from a rest: they go first.
  const returning = new Queue<() => void>();
  let running = 0;
  let parked = 0;
  let paused = false;
  let isStarting = false;

  const park = (lane: Lane, isResting: boolean): void => {
    lane.isResting = isResting;
    parked += (isResting ? 1 : -1) * (1 + (lane.waiting?.length ?? 0));
  };

  const restIn = async <T>(lane: Lane, wait: Promise<T>): Promise<T> => {
    running--;
    park(lane, true);
    start();
    onPark();
    try {
      return await wait;
    } finally {
      park(lane, false);
      await new Promise<void>((resolve) => {
        returning.push(resolve);
        start();
      });
    }
  };

  // A task that is done at once comes back here through `done`: the loop below goes on then.
  const start = (): void => {
    if (isStarting) return;
    isStarting = true;
    let failed: { readonly error: unknown } | undefined;
    while (running < concurrency) {
      const back = returning.shift();
      const next = back !== undefined || paused ? undefined : ready.shift();
      if (back === undefined && next === undefined) break;
      running++;
      if (back !== undefined) back();
      else {
        try {
          run(next!);
        } catch (error) {
          failed ??= { error };
        }
      }
    }
    isStarting = false;
    if (failed !== undefined) throw failed.error;
  };

  const run = (lane: Lane): void => {
    let isDone = false;
    const done = (): void => {
      if (isDone) return;
      isDone = true;
      running--;
      const next = lane.waiting?.shift();
      if (next !== undefined) {
        lane.task = next;
        ready.push(lane);
      } else if (lane.name !== undefined) byName.delete(lane.name);
      start();
    };
    try {
      lane.task((wait) => restIn(lane, wait), done);
    } catch (error) {
      done();
      throw error;
    }
  };

  return {
    get parked() {
      return parked;
    },
    push(name, task) {
      const busy = name === undefined ? undefined : byName.get(name);
      if (busy !== undefined) {
        (busy.waiting ??= new Queue()).push(task);
        if (busy.isResting) parked++;
        return;
      }
      const lane: Lane = { name, task, isResting: false };
      if (name !== undefined) byName.set(name, lane);
      ready.push(lane);
      start();
    },
    pause(value) {
      paused = value;
      start();
    },
  };
}
