// A driver that imports a file of a scoped package that is not installed.

const CLIENT = "@cqi-test/not-installed/client";
await import(`${CLIENT}`);

export const createDriver = (): string => "driver";
