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
  // Tasks back from a rest: they go first.
  const returning: (() => void)[] = [];

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
  };

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
      const lane = back !== undefined || paused ? undefined : nextReady();
      if (back === undefined && lane === undefined) return;
      running++;
      if (back !== undefined) back();
      else run(lane!);
    }
  };

  const run = (lane: Lane): void => {
    const task = lane.tasks.shift()!;
    const done = (): void => finish(lane);
    // One that rejects all the same must not stop its lane.
    task(rest).then(done, done);
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
  };
}
