import type { bus, core, metrics } from "../../mod.ts";

/** What the deliveries of a run say, seen from a layer around every handler. */
export interface Measure {
  /** Put around every handler. */
  readonly layer: bus.ConsumeMiddleware;
  /** Time from publish to handled at a share of the deliveries, in milliseconds. */
  quantileMs(share: number): number;
}

/** Measures from publish to handled. */
export function measure(clock: core.Clock): Measure {
  const latenciesMs: number[] = [];
  return {
    async layer(delivery, context, next) {
      const result = await next(delivery, context);
      latenciesMs.push(clock.now() - delivery.timestampMs);
      return result;
    },
    quantileMs(share) {
      const sorted = latenciesMs.toSorted((a, b) => a - b);
      return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    },
  };
}

/** Sums a counter over its series, as an operator would: from the exposition. */
export async function counterSum(
  registry: metrics.MetricsRegistry,
  name: string,
  label = "",
): Promise<number> {
  const { body } = await registry.expose();
  let sum = 0;
  for (const line of body.split("\n")) {
    if (!line.startsWith(`${name}{`) || !line.includes(label)) continue;
    sum += Number(line.slice(line.lastIndexOf(" ") + 1));
  }
  return sum;
}
