// Loaded before each test file under Bun, which ends the process with the last test: a rejection
// just after it would go unseen.

interface BunTest {
  afterAll(fn: () => Promise<void>): void;
}

const GRACE_MS = 50;
// Not a literal: `bun:` is a name that only Bun resolves.
const name: string = "bun:test";
const { afterAll } = await import(name) as BunTest;

afterAll(() => new Promise((resolve) => setTimeout(resolve, GRACE_MS)));
