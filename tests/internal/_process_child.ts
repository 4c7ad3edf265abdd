// Writes what it hears and ends with a code of its own.

import { writeSync } from "node:fs";
import process from "node:process";
import { exitProcess, onStopSignal, onUncaught } from "../../internal/runtime/process.ts";

const say = (text: string): void => void writeSync(1, `${text}\n`);

if (process.argv[2] === "signals") {
  const hold = setInterval(() => {}, 1000);
  const stop = onStopSignal((signal) => {
    say(signal);
    stop();
    clearInterval(hold);
    exitProcess(7);
  });
  say("ready");
} else {
  let heard = 0;
  onUncaught((error) => {
    say((error as Error).message);
    if (++heard === 2) exitProcess(8);
  });
  setTimeout(() => {
    throw new Error("thrown");
  }, 1);
  setTimeout(() => void Promise.reject(new Error("rejected")), 20);
}
