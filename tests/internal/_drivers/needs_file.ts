// A driver that lacks a file of its own.

const FILE = "./_file_that_is_not_there.ts";
await import(`${FILE}`);

export const createDriver = (): string => "driver";
