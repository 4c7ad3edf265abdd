// Ambient values over awaits. Asked for by a function every runtime has in common rather than by
// an import of node:async_hooks, so that an edge bundle needs no such module: where it is absent
// (a browser, workerd without its compatibility flag) nothing is ambient and callers pass context
// by hand.

interface Storage<T> {
  getStore(): T | undefined;
  run<R>(value: T, fn: () => R): R;
}

interface ProcessLike {
  getBuiltinModule?: (id: string) => { AsyncLocalStorage?: new () => Storage<never> } | undefined;
}

/** A store whose value follows the calls and awaits made inside `run`. */
export function createAmbient<T>(): Storage<T> {
  const process = (globalThis as { process?: ProcessLike }).process;
  const AsyncLocalStorage = process?.getBuiltinModule?.("node:async_hooks")?.AsyncLocalStorage;
  if (AsyncLocalStorage !== undefined) return new AsyncLocalStorage() as unknown as Storage<T>;
  return { getStore: () => undefined, run: (_value, fn) => fn() };
}
