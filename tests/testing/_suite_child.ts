// A contract suite with one test that runs, one that fails, and two that need a feature.

import { registerSuite } from "../../testing/_suite.ts";

registerSuite("bus toy", { order: true, delay: false }, [
  { name: "publishes", run: () => Promise.resolve() },
  { name: "keeps order", needs: "order", run: () => Promise.resolve() },
  { name: "delays", needs: "delay", run: () => Promise.reject(new Error("must not run")) },
  { name: "needs what nobody declares", needs: "constructor", run: () => Promise.reject("ran") },
  { name: "loses events", run: () => Promise.reject(new Error("lost 2 of 2,000")) },
]);
