import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import test, { mock } from "node:test";
import { CopyFeed } from "../../database/drivers/_postgres_copy.ts";
import type { Wire } from "../../database/drivers/_postgres_wire.ts";
import { turn } from "../_until.ts";

test("CopyFeed leaves no listener behind each time that it waits for the socket", async () => {
  const stream = Object.assign(new EventEmitter(), { writableNeedDrain: true });
  const events = new EventEmitter();
  const wire = {
    stream,
    sendCopyFromChunk: () => setImmediate(() => stream.emit("drain")),
    endCopyFrom: () => events.emit("end"),
  } as unknown as Wire;
  async function* lines(): AsyncGenerator<string> {
    for (let i = 0; i < 100; i++) {
      yield `${i}\n`;
      await turn();
    }
  }
  const add = mock.method(EventTarget.prototype, "addEventListener");
  const remove = mock.method(EventTarget.prototype, "removeEventListener");
  const ended = once(events, "end");
  const feed = new CopyFeed(lines());
  feed.start(wire);
  await ended;
  const left = add.mock.callCount() - remove.mock.callCount();
  mock.restoreAll();
  assert.deepEqual([left < 10, stream.listenerCount("drain")], [true, 0], `${left} are left`);
});

test("CopyFeed that is stopped while it waits for the socket waits no longer", async () => {
  const stream = Object.assign(new EventEmitter(), { writableNeedDrain: true });
  const sent = new EventEmitter();
  const wire = {
    stream,
    sendCopyFromChunk: () => setImmediate(() => sent.emit("chunk")),
  } as unknown as Wire;
  async function* lines(): AsyncGenerator<string> {
    for (;;) yield await Promise.resolve("1\n");
  }
  const chunk = once(sent, "chunk");
  const feed = new CopyFeed(lines());
  feed.start(wire);
  await chunk;
  feed.stop();
  await turn();
  assert.equal(stream.listenerCount("drain"), 0);
});
