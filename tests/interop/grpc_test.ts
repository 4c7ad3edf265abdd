import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { RUNTIMES } from "../../tools/test_runner/runtimes.ts";
import { fromLine } from "../../tools/vectors/vector.ts";
import { until } from "../_until.ts";
import { goPrograms } from "./_go.ts";
import { sharedPython } from "./_python.ts";
import { ROOT } from "./_run.ts";
import { tools } from "./_tools.ts";
import { type Answer, type Case, everyCall, FREED, MARKET_CASES } from "./grpc/_calls.ts";
import { makeCalls, type Program, script, type Server, startServer } from "./grpc/_programs.ts";

const VECTORS = readFileSync(join(ROOT, "testdata", "vectors", "services.jsonl"), "utf8")
  .trimEnd().split("\n").map(fromLine);
const EVERY_CALL = everyCall(VECTORS);

/** Details with violations in no order and without their texts, which are for people. */
function comparable(details: Answer["details"]): unknown {
  const { "google.rpc.BadRequest": bad, ...rest } = details;
  if (bad === undefined) return rest;
  const violations = (bad as JsonObject).field_violations as JsonObject[];
  const rules = violations.map(({ field, reason }) => `${field ?? ""} ${reason}`);
  return { ...rest, "google.rpc.BadRequest": rules.sort() };
}

function checkAnswer({ call, want }: Case, answer: Answer): void {
  const { details, ...rest } = want;
  const shown = `${call.name}: ${answer.code} ${answer.text}`;
  assert.equal(answer.name, call.name);
  for (const [key, value] of Object.entries(rest)) {
    assert.deepEqual(answer[key as keyof Answer], value, `${shown}, ${key}`);
  }
  if (details !== undefined) {
    assert.deepEqual(comparable(answer.details), comparable(details), `${shown}, details`);
  }
}

/**
 * The same, at a server in Go: when the deadline is reached it resets the stream with CANCEL, which
 * a client may see before its own timer has fired.
 */
function orReset(each: Case, answer: Answer): Case {
  const reset = each.call.timeoutMs > 0 && answer.code === 1;
  return reset ? { ...each, want: { ...each.want, code: 1 } } : each;
}

/** Has a client make every call of a server and checks what came of it on both sides. */
async function checkPair(server: Server, client: Program): Promise<void> {
  const cases = MARKET_CASES.map(({ call, want }) => ({
    call: { ...call, address: server.scenarios },
    want,
  }));
  if (server.vectors !== "") {
    cases.push(...EVERY_CALL.map(({ call, want }) => ({
      call: { ...call, address: server.vectors },
      want,
    })));
  }
  const answers = await makeCalls(client, cases.map(({ call }) => call));
  assert.equal(answers.length, cases.length);
  cases.forEach((each, index) => {
    const answer = answers[index]!;
    checkAnswer(server.vectors === "" ? orReset(each, answer) : each, answer);
  });
  const ended = (): string[] => server.calls("ended").sort();
  await until(() => ended().length >= FREED.length, "the server to end what was given up");
  assert.deepEqual(ended(), [...FREED].sort());
  assert.ok(server.deadlines(), "a deadline did not reach the server");
  await server.stop();
}

// Asked for before the first test: Deno does not fail a file that throws after one.
const toolsAreHere = tools("go", "python3");

for (const runtime of RUNTIMES) {
  for (const other of RUNTIMES) {
    test(`gRPC, a server on ${runtime} answers a client on ${other}`, async () => {
      await using server = await startServer(await script(runtime, "server"));
      await checkPair(server, await script(other, "client"));
    });
  }
}

if (toolsAreHere) {
  const go = await goPrograms("grpc_client", "grpc_server");
  const python = await sharedPython();
  const clients: Readonly<Record<string, Program>> = {
    Go: { command: go.grpc_client, args: [] },
    // Without the byte code that it would leave in the checkout.
    Python: { command: python, args: ["-B", join(ROOT, "tests/interop/python/grpc_client.py")] },
  };
  const goServer: Program = { command: go.grpc_server, args: [] };

  for (const [name, client] of Object.entries(clients)) {
    for (const runtime of RUNTIMES) {
      test(`gRPC, a server on ${runtime} answers a client in ${name}`, async () => {
        await using server = await startServer(await script(runtime, "server"));
        await checkPair(server, client);
      });
    }
    test(`gRPC, a server in Go answers a client in ${name}`, async () => {
      await using server = await startServer(goServer);
      await checkPair(server, client);
    });
  }

  for (const runtime of RUNTIMES) {
    test(`gRPC, a server in Go answers a client on ${runtime}`, async () => {
      await using server = await startServer(goServer);
      await checkPair(server, await script(runtime, "client"));
    });
  }
}
