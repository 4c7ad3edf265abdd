/**
 * Handles each event once, by its id, however often it comes and whatever it says the second time.
 * The ids are held in memory, for handlers whose state is there too; it is the database that holds
 * those of candles and fills. An event whose handling failed was not handled.
 */
export function once<E extends { readonly eventId: string }>(
  handle: (event: E) => Promise<void>,
): (event: E) => Promise<void> {
  const handled = new Set<string>();
  return async (event) => {
    if (handled.has(event.eventId)) return;
    await handle(event);
    handled.add(event.eventId);
  };
}
