// Loaded before each test file under Deno. Importing node:test makes Deno pass over unhandled
// rejections in silence; Node fails the file, so this makes Deno do it too.

const lost: unknown[] = [];

// A rejection may come just after the last test: wait a little before the file is judged.
const GRACE_MS = 50;

addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  lost.push(event.reason);
});

Deno.test.afterAll(async () => {
  await new Promise((resolve) => setTimeout(resolve, GRACE_MS));
  if (lost.length > 0) throw lost[0];
});
