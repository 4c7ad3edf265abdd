/**
 * Drivers by the name that configuration gives them, each behind a function that imports it, so
 * that only the one in use is loaded.
 *
 * @typeParam M The driver module: an object with `createDriver`.
 */
export type DriverTable<M> = Readonly<Record<string, () => M | Promise<M>>>;
