/** A signal whose listeners are counted. */
export interface SpySignal {
  readonly signal: AbortSignal;
  /** How many listeners are on the signal. */
  readonly listeners: number;
  abort(reason?: unknown): void;
}

/** Makes a signal whose listeners are counted. */
export function spySignal(): SpySignal {
  const controller = new AbortController();
  const { signal } = controller;
  const listeners = new Set<unknown>();
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (type: string, listener: never, options?: never) => {
    listeners.add(listener);
    add(type, listener, options);
  };
  signal.removeEventListener = (type: string, listener: never) => {
    listeners.delete(listener);
    remove(type, listener);
  };
  return {
    signal,
    get listeners() {
      return listeners.size;
    },
    abort(reason) {
      controller.abort(reason);
      // They are added with `once`, so they are gone when the event has been.
      listeners.clear();
    },
  };
}
