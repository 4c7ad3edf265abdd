// A driver whose client library is not installed. Its name stands apart from the import, so that
// nobody but the runtime looks for it.

const CLIENT = "cqi-test-package-that-is-not-installed";
await import(`${CLIENT}`);

export const createDriver = (): string => "driver";
