import type { Environment } from "./_environment.ts";

/** Whether commits of other processes can be heard of. */
export function canListen({ db, settings }: Environment): boolean {
  return settings.notify && db.features.listen;
}

/**
 * Hears of commits of other processes until the signal aborts. Rejects when it cannot begin; once it
 * has, the database heals it.
 *
 * @param wake Called at each commit that is heard of, and after each gap.
 */
export async function listenForCommits(
  { db, tables }: Environment,
  wake: () => void,
  signal: AbortSignal,
): Promise<void> {
  await using _listening = await db.listen(tables.channel, wake, { signal, onGap: wake });
  if (signal.aborted) return;
  await new Promise<void>((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}
