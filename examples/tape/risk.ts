import { type bus, contracts } from "../../mod.ts";
import type { PositionChanged } from "../../gen/ts/cqc/events/v1/mod.ts";
import { RiskAlertSeverity, RiskAlertType } from "../../gen/ts/cqc/risk/v1/mod.ts";
import { alerts, idOf } from "./events.ts";
import type { TapeSettings } from "./settings.ts";

const { decimal } = contracts;

/** Raises an alert when a position grows beyond its limit, once each time it crosses it. */
export function risk(
  events: bus.Bus,
  tape: TapeSettings,
): (event: PositionChanged) => Promise<void> {
  const beyond = (quantity: string): boolean => decimal.compare(quantity, tape.alertPosition) > 0;
  return async ({ eventId, timestamp, position, previousPosition }) => {
    if (position === undefined || timestamp === undefined) return;
    const was = previousPosition !== undefined && beyond(previousPosition.quantity);
    if (!beyond(position.quantity) || was) return;
    await events.publish(alerts, {
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
    });
  };
}
