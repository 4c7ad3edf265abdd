/**
 * Lets others run while a task waits: its place is theirs until the wait is over, its lane is not.
 * Resolves, or rejects, as the wait did once there is a place again.
 */
export type Rest = <T>(wait: Promise<T>) => Promise<T>;

/** Work of one record; must not reject. */
export type LaneTask = (rest: Rest) => Promise<void>;

/**
 * Runs tasks of one lane one after another and lanes side by side, a bounded number at once. A lane
 * is a partition and key, so a slow or retrying key holds up nobody but itself.
 */
export interface Lanes {
  /**
   * Adds a task to the end of its lane.
   *
   * @param lane Name of the lane; undefined runs it in no order with others.
   * @param task The work.
   */
  push(lane: string | undefined, task: LaneTask): void;
  /** Stops or goes on starting tasks; running and resting ones finish. */
  pause(paused: boolean): void;
}

interface Ready {
  readonly name: string | undefined;
  readonly task: LaneTask;
}

interface Queue<T> {
  push(item: T): void;
  shift(): T | undefined;
}

// Array.shift moves all that is left; this does so now and then.
function queue<T>(): Queue<T> {
  const items: (T | undefined)[] = [];
  let head = 0;
  return {
    push: (item) => void items.push(item),
    shift() {
      if (head === items.length) return undefined;
      const item = items[head];
      items[head++] = undefined;
      if (head > 1024 && head * 2 > items.length) {
        items.splice(0, head);
        head = 0;
      }
      return item;
    },
  };
}

/**
 * Makes a scheduler.
 *
 * @param concurrency How many tasks run at once, 1 or more.
 */
export function lanes(concurrency: number): Lanes {
  // The tasks that wait in each lane that has one ready or running.
  const byName = new Map<string, Queue<LaneTask>>();
  const ready = queue<Ready>();
  // Tasks back from a rest: they go first.
  const returning = queue<() => void>();
  let running = 0;
  let paused = false;

  const rest: Rest = async (wait) => {
    running--;
    start();
    try {
      return await wait;
    } finally {
      await new Promise<void>((resolve) => {
        returning.push(resolve);
        start();
      });
    }
  };

  const start = (): void => {
    while (running < concurrency) {
      const back = returning.shift();
      const next = back !== undefined || paused ? undefined : ready.shift();
      if (back === undefined && next === undefined) return;
      running++;
      if (back !== undefined) back();
      else run(next!);
    }
  };

  const run = ({ name, task }: Ready): void => {
    const done = (): void => {
      running--;
      const next = name === undefined ? undefined : byName.get(name)?.shift();
      if (next !== undefined) ready.push({ name, task: next });
      else if (name !== undefined) byName.delete(name);
      start();
    };
    // One that rejects all the same must not stop its lane.
    task(rest).then(done, done);
  };

  return {
    push(name, task) {
      const waiting = name === undefined ? undefined : byName.get(name);
      if (waiting !== undefined) return waiting.push(task);
      if (name !== undefined) byName.set(name, queue());
      ready.push({ name, task });
      start();
    },
    pause(value) {
      paused = value;
      start();
    },
  };
}
