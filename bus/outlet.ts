import type { DescMessage, Message, MessageInitShape } from "@bufbuild/protobuf";
import type { WaitOptions } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import type { Bus } from "./bus.ts";
import type { RecordToSend } from "./driver.ts";
import type { Published, PublishOptions, Topic } from "./types.ts";

/**
 * The two halves of publishing, apart: what an outbox needs, which makes records now and sends them
 * later, perhaps in another process.
 */
export interface Outlet {
  /**
   * Makes the record of an event and sends nothing: filled in, valid, encoded, with the key and the
   * headers that `publish` would give it, the trace and the ids of the work that is running
   * included. Throws what `publish` throws for a bad event.
   *
   * @param topic The topic, or the descriptor of an event of the contracts.
   * @param event The event's fields.
   * @param options Key, headers, ids.
   */
  prepare<S extends DescMessage>(
    topic: Topic<S> | S,
    event: MessageInitShape<S>,
    options?: PublishOptions,
  ): RecordToSend;
  /**
   * Makes the record of a message for a topic by name.
   *
   * @param topic Name of the topic.
   * @param event A message made by `create`.
   * @param options Key, headers, ids.
   */
  prepare(topic: string, event: Message, options?: PublishOptions): RecordToSend;
  /**
   * Sends records as they are, in one call of the driver and in their order; those of one key may
   * stand in it together. Publish middleware sees each of them. Once a record is refused before it
   * was sent, later ones of its key are not sent either.
   *
   * @param records What `prepare` gave.
   * @param options A signal that ends the wait; records on their way may still be written.
   * @returns One outcome for each record, in the same order. Rejects when nothing is known of any.
   */
  send(
    records: readonly RecordToSend[],
    options?: WaitOptions,
  ): Promise<readonly (Published | Error)[]>;
}

const OUTLET = Symbol.for("@cq/cqi/bus/outlet");

/** Hangs the outlet on a bus, out of sight, and gives the bus back. */
export function withOutlet(bus: Bus, outlet: Outlet): Bus {
  return Object.defineProperty(bus, OUTLET, { value: outlet });
}

/**
 * The two halves of publishing of a bus, for what stands between them.
 *
 * @param bus What `open` gave, itself.
 * @throws {CqiError} `CQI_OPTION_INVALID` for a copy or a wrapper.
 *
 * @example
 * ```ts
 * import { bus } from "@cq/cqi";
 * import { RiskAlertSchema } from "@cq/cqi/cqc/events/v1";
 * import assert from "node:assert/strict";
 *
 * await using events = await bus.open({});
 * const outlet = bus.outletOf(events);
 * const record = outlet.prepare(RiskAlertSchema, {
 *   alertId: crypto.randomUUID(),
 *   alertType: 1,
 *   severity: 1,
 *   message: "position is large",
 *   portfolioId: crypto.randomUUID(),
 *   detectedAt: { seconds: 1_767_225_600n },
 * });
 * assert.equal(record.topic, "cqc.events.v1.risk_alert");
 * const [outcome] = await outlet.send([record]);
 * assert(!(outcome instanceof Error));
 * ```
 */
export function outletOf(bus: Bus): Outlet {
  const outlet = (bus as unknown as Record<symbol, unknown> | undefined)?.[OUTLET];
  if (outlet !== undefined) return outlet as Outlet;
  throw new CqiError(
    "CQI_OPTION_INVALID",
    "Cannot use this bus here: it must be the one that 'open' gave, not a copy or a wrapper",
  );
}
