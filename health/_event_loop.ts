import type { Clock, Timer } from "../core/mod.ts";

const INTERVAL_MS = 1000;
// One long garbage collection or a suspended machine is no reason to be killed; three in a row are.
const PERIODS = 3;

/** Measures how late timers fire: the event loop's lag. */
export class EventLoopMonitor {
  readonly #clock: Clock;
  readonly #limitMs: number;
  #timer: Timer | undefined;
  #late = 0;

  constructor(clock: Clock, limitMs: number) {
    this.#clock = clock;
    this.#limitMs = limitMs;
  }

  /** Whether timers were later than the limit several times in a row. */
  get blocked(): boolean {
    return this.#late >= PERIODS;
  }

  /** Begins to measure. Twice does nothing. */
  start(): void {
    if (this.#timer === undefined) this.#arm();
  }

  /** Stops measuring. */
  stop(): void {
    this.#timer?.cancel();
  }

  #arm(): void {
    const due = this.#clock.monotonic() + INTERVAL_MS;
    this.#timer = this.#clock.timer(
      () => {
        const lag = this.#clock.monotonic() - due;
        this.#late = lag >= this.#limitMs ? this.#late + 1 : 0;
        this.#arm();
      },
      INTERVAL_MS,
      { background: true },
    );
  }
}
