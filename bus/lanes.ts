/** Work of one record; must not reject. */
export type LaneTask = () => Promise<void>;

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
  /** Stops or goes on starting tasks; running ones finish. */
  pause(paused: boolean): void;
  /** Resolves when nothing runs; tasks that have not started may remain while paused. */
  idle(): Promise<void>;
}

interface Lane {
  readonly name: string | undefined;
  readonly tasks: LaneTask[];
}

/**
 * Makes a scheduler.
 *
 * @param concurrency How many tasks run at once, 1 or more.
 */
export function lanes(concurrency: number): Lanes {
  const byName = new Map<string, Lane>();
  // Lanes that have a task to start and none running.
  const ready: Lane[] = [];
  let head = 0;
  let running = 0;
  let paused = false;
  let waiters: (() => void)[] = [];

  const nextReady = (): Lane | undefined => {
    const lane = ready[head];
    if (lane === undefined) return undefined;
    head++;
    if (head > 1024 && head * 2 > ready.length) {
      ready.splice(0, head);
      head = 0;
    }
    return lane;
  };

  const finish = (lane: Lane): void => {
    running--;
    if (lane.tasks.length > 0) ready.push(lane);
    else if (lane.name !== undefined) byName.delete(lane.name);
    start();
    if (running === 0) {
      const done = waiters;
      waiters = [];
      for (const resolve of done) resolve();
    }
  };

  const start = (): void => {
    while (!paused && running < concurrency) {
      const lane = nextReady();
      if (lane === undefined) return;
      const task = lane.tasks.shift()!;
      running++;
      task().then(() => finish(lane));
    }
  };

  return {
    push(name, task) {
      const known = name === undefined ? undefined : byName.get(name);
      if (known !== undefined) {
        known.tasks.push(task);
        return;
      }
      const lane: Lane = { name, tasks: [task] };
      if (name !== undefined) byName.set(name, lane);
      ready.push(lane);
      start();
    },
    pause(value) {
      paused = value;
      start();
    },
    idle: () => running === 0 ? Promise.resolve() : new Promise((resolve) => waiters.push(resolve)),
  };
}
