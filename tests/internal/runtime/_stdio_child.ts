// Run by stdio_test.ts in a process of its own: writes lines, then ends in the way it is told.
import process from "node:process";
import { stdioSink } from "../../../internal/runtime/stdio.ts";

const mode = process.argv[2];
const sink = stdioSink({ fd: 1 });
for (let i = 0; i < 2000; i++) sink.write(`line ${i}`);

function end(): void {
  sink.write("last");
  if (mode === "exit" || mode === "burst") process.exit(0);
  if (mode === "throw" || mode === "late") throw new Error("uncaught");
  if (mode === "reject") Promise.reject(new Error("unhandled"));
}

/** Ends while a large write has only just begun. */
async function burst(): Promise<void> {
  for (let i = 0; i < 5000; i++) sink.write(`more ${i}`);
  await Promise.resolve();
  await Promise.resolve();
  end();
}

if (mode === "late") setTimeout(end, 30);
else if (mode === "burst") setTimeout(burst, 30);
else if (mode === "closed") {
  setTimeout(() => sink.write("into the void"), 200);
  setTimeout(() => {
    process.stderr.write(`alive, dropped more than 0: ${sink.dropped > 0}\n`);
    process.exit(0);
  }, 400);
} else end();
