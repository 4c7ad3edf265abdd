// Signals, uncaught errors and the exit code. `process` is there on Node, Deno and Bun alike; a
// runtime without it (an edge worker) has no process to speak of, and these do nothing.

interface ProcessLike {
  on(event: string, listener: (value: unknown) => void): void;
  off(event: string, listener: (value: unknown) => void): void;
  exit(code: number): never;
}

function current(): ProcessLike | undefined {
  return (globalThis as { process?: Partial<ProcessLike> }).process?.on === undefined
    ? undefined
    : (globalThis as unknown as { process: ProcessLike }).process;
}

function listen(
  events: readonly string[],
  listener: (event: string, value: unknown) => void,
): () => void {
  const process = current();
  const bound = events.map((event) => [event, (value: unknown) => listener(event, value)] as const);
  for (const [event, handler] of bound) process?.on(event, handler);
  return () => {
    for (const [event, handler] of bound) process?.off(event, handler);
  };
}

/** Calls back on SIGTERM and SIGINT, until told to stop. */
export function onStopSignal(listener: (signal: string) => void): () => void {
  return listen(["SIGTERM", "SIGINT"], (signal) => listener(signal));
}

/** Calls back on what nobody caught, in place of the runtime's own end, until told to stop. */
export function onUncaught(listener: (error: unknown) => void): () => void {
  return listen(["uncaughtException", "unhandledRejection"], (_event, error) => listener(error));
}

/** Ends the process. */
export function exitProcess(code: number): void {
  current()?.exit(code);
}
