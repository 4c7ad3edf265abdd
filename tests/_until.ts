/** Lets every promise callback and immediate that is ready run. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Waits for a condition, at most some seconds, and says which one never came. */
export async function until(
  done: () => boolean | Promise<boolean>,
  what = "the condition",
): Promise<void> {
  for (let n = 0; n < 10_000; n++) {
    if (await done()) return;
    await new Promise((resolve) => setTimeout(resolve, n < 100 ? 0 : 1));
  }
  throw new Error(`Waited in vain for ${what}`);
}
