import assert from "node:assert/strict";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { findRuntime, type RuntimeName } from "../../tools/test_runner/runtimes.ts";
import { sharedPython } from "./_python.ts";
import { output, ROOT, withFolder } from "./_run.ts";
import { tools } from "./_tools.ts";

// Asked before the first test: Deno takes no notice of what a file throws after one.
const [hasGo, hasPython] = [tools("go"), tools("python3")];

const EXAMPLES = join(ROOT, "examples", "contracts");

/** What the example prints in each language, to the letter. */
const EXPECTED = `order: valid
venue's id: absent
bad order: message order.price_matches_type, quantity string.pattern
notional: 8031.2625, fee: 3.212505
limit on the tick: 64250.25
event: valid
{"event_id":"0194c8f0-6b1e-7c3a-9f4d-2b8a5e6c7d10","timestamp":"2026-01-15T09:30:00Z",\
"actor_id":"service:cqmd","price":{"market_id":"0b8f6a52-0c1f-4a53-9a1e-6f4dfd3a0b11",\
"price_type":"PRICE_TYPE_LAST","price":"64250.10","source":"binance",\
"observed_at":"2026-01-15T09:30:00Z"},"previous_price":"64249.90","change_bps":"0.0311"}
bytes: 147, decoded the same: true
time: 2026-01-15T09:30:00Z
bytes cut short: refused
page: BTC ETH
page: SOL USDC
page: USDT
`;

const ARGS: Readonly<Record<RuntimeName, readonly string[]>> = {
  // No permission is needed: the example touches nothing.
  deno: ["run", "--no-check", "--no-prompt"],
  node: ["--disable-warning=MODULE_TYPELESS_PACKAGE_JSON"],
  bun: ["run"],
};

for (const name of ["deno", "node", "bun"] as const) {
  test(`examples/contracts/ts prints what it says on ${name}`, async () => {
    const { path } = await findRuntime(name);
    const args = [...ARGS[name], join(EXAMPLES, "ts", "main.ts")];
    assert.equal(await output(path, args, { cwd: ROOT }), EXPECTED);
  });
}

if (hasGo) {
  test("examples/contracts/go is vetted and prints what it says", async () => {
    await withFolder(async (folder) => {
      const program = join(folder, "example");
      // With exactly the modules of its go.sum.
      const options = {
        cwd: join(EXAMPLES, "go"),
        env: { ...process.env, GOFLAGS: "-mod=readonly" },
      };
      await output("go", ["vet", "./..."], options);
      await output("go", ["build", "-o", program, "."], options);
      assert.equal(await output(program, [], { cwd: folder }), EXPECTED);
    });
  });

  test("examples/contracts/go has the form that gofmt gives", async () => {
    assert.equal(await output("gofmt", ["-l", join(EXAMPLES, "go")]), "");
  });
}

if (hasPython) {
  test("examples/contracts/python prints what it says", async () => {
    const python = await sharedPython();
    assert.equal(await output(python, [join(EXAMPLES, "python", "main.py")]), EXPECTED);
  });
}
