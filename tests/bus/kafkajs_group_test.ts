import assert from "node:assert/strict";
import { test } from "node:test";
import type { Cluster } from "kafkajs";
import { groupAssigner, type GroupHooks } from "../../bus/drivers/_kafkajs_group.ts";
import { fakeClock } from "../../testing/fake_clock.ts";

interface Asked {
  readonly what: "leave" | "join" | "heartbeat";
  readonly memberId: string;
}

/** A client of a consumer, made anew after each crash, on a broker that is played. */
function rig() {
  const clock = fakeClock();
  const asked: Asked[] = [];
  const members = new Set<string>();
  let joined = 0;
  let leaving: (memberId: string) => Promise<unknown> = () => Promise.resolve();
  const newClient = (beforeJoin: GroupHooks["beforeJoin"] = () => Promise.resolve()) => {
    const coordinator = {
      joinGroup({ memberId }: { memberId: string }) {
        asked.push({ what: "join", memberId });
        const name = memberId === "" ? `member-${++joined}` : memberId;
        return Promise.resolve({ generationId: 1, memberId: name });
      },
      heartbeat({ memberId }: { memberId: string }) {
        asked.push({ what: "heartbeat", memberId });
        return Promise.resolve();
      },
      leaveGroup({ memberId }: { memberId: string }) {
        asked.push({ what: "leave", memberId });
        return leaving(memberId);
      },
    };
    const cluster = { findGroupCoordinator: () => Promise.resolve(coordinator) };
    const assigner = groupAssigner(clock, { group: "g", heartbeatMs: 100, beforeJoin, members });
    assigner({ cluster: cluster as unknown as Cluster } as Parameters<typeof assigner>[0]);
    return {
      async join(memberId = ""): Promise<string> {
        await cluster.findGroupCoordinator();
        return (await coordinator.joinGroup({ memberId })).memberId;
      },
    };
  };
  const refuse = (error: unknown): void => void (leaving = () => Promise.reject(error));
  return { clock, asked, newClient, refuse };
}

test("groupAssigner lets the member of a client that is gone leave before the next joins", async () => {
  const { asked, newClient } = rig();
  await newClient().join();
  await newClient().join();
  assert.deepEqual(asked.map(({ what, memberId }) => `${what} ${memberId}`), [
    "join ",
    "leave member-1",
    "join ",
  ]);
});

test("groupAssigner lets a member that joins again stay", async () => {
  const { asked, newClient } = rig();
  const client = newClient();
  await client.join(await client.join());
  assert.deepEqual(asked.map(({ what }) => what), ["join", "join"]);
});

test("groupAssigner joins where leaving is refused, and asks again next time unless it is unknown", async () => {
  const { asked, newClient, refuse } = rig();
  await newClient().join();
  refuse(new Error("Connection lost"));
  await newClient().join();
  refuse(Object.assign(new Error("Who?"), { type: "UNKNOWN_MEMBER_ID" }));
  await newClient().join();
  await newClient().join();
  const left = asked.filter(({ what }) => what === "leave").map(({ memberId }) => memberId);
  assert.deepEqual(left, ["member-1", "member-1", "member-2", "member-3"]);
});

test("groupAssigner is heard of while it finishes before a rebalance, and not after", async () => {
  const { clock, asked, newClient } = rig();
  let finish = Promise.withResolvers<void>();
  finish.resolve();
  const client = newClient(() => finish.promise);
  const member = await client.join();
  finish = Promise.withResolvers();
  const joining = client.join(member);
  await clock.advance(350);
  finish.resolve();
  await joining;
  await clock.advance(1000);
  assert.equal(asked.filter(({ what }) => what === "heartbeat").length, 3);
});
