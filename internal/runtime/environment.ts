// Environment variables, through what Deno, Node and Bun have in common. Where there is no process
// (a browser, workerd without its compatibility flag) there are no variables.

interface ProcessLike {
  readonly env?: Readonly<Record<string, string | undefined>>;
}

function environment(): Readonly<Record<string, string | undefined>> {
  return (globalThis as { process?: ProcessLike }).process?.env ?? {};
}

/**
 * One variable, or undefined when it is not set. Throws where the runtime does not permit reading
 * it.
 */
export function readVariable(name: string): string | undefined {
  return environment()[name];
}

/** All variables, by name. Throws where the runtime does not permit reading them all. */
export function readVariables(): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const [name, value] of Object.entries(environment())) {
    if (value !== undefined) variables.set(name, value);
  }
  return variables;
}
