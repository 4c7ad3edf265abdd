import type { MessageInitShape } from "@bufbuild/protobuf";
import { type bus, contracts } from "../../mod.ts";
import type { PositionChanged, RiskAlertSchema } from "../../gen/ts/cqc/events/v1/mod.ts";
import { RiskAlertSeverity, RiskAlertType } from "../../gen/ts/cqc/risk/v1/mod.ts";
import { alerts, idOf } from "./events.ts";
import type { TapeSettings } from "./settings.ts";

const { decimal } = contracts;

/** The alert that a position asks for when it grows beyond its limit, once each time it crosses it. */
export async function alertOn(
  { eventId, timestamp, position, previousPosition }: PositionChanged,
  tape: TapeSettings,
): Promise<MessageInitShape<typeof RiskAlertSchema> | undefined> {
  const beyond = (quantity: string): boolean => decimal.compare(quantity, tape.alertPosition) > 0;
  if (position === undefined || timestamp === undefined) return undefined;
  const was = previousPosition !== undefined && beyond(previousPosition.quantity);
  if (!beyond(position.quantity) || was) return undefined;
  return {
    eventId: await idOf("risk-alert", eventId),
    timestamp,
    alertId: await idOf("alert", eventId),
    alertType: RiskAlertType.POSITION_LIMIT,
    severity: RiskAlertSeverity.MEDIUM,
    message: `Position is ${position.quantity}, the limit is ${tape.alertPosition}`,
    portfolioId: position.portfolioId,
    accountId: position.accountId,
    positionId: position.positionId,
    marketId: position.marketId,
    venueId: position.venueId,
    threshold: tape.alertPosition,
    observed: position.quantity,
    detectedAt: timestamp,
  };
}

/** Publishes the alerts that positions ask for. */
export function risk(
  events: bus.Bus,
  tape: TapeSettings,
): (event: PositionChanged) => Promise<void> {
  return async (event) => {
    const alert = await alertOn(event, tape);
    if (alert !== undefined) await events.publish(alerts, alert);
  };
}
