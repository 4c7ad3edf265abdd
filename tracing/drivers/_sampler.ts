import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace";

/** Attribute by which a span asks to be kept (above 0) or left out (0), whatever its parent. */
export const PRIORITY = "sampling.priority";

/**
 * Follows the parent's decision; keeps a share of new traces. Spans may ask otherwise by
 * `sampling.priority`.
 *
 * @param ratio Share of new traces, 0 to 1.
 * @param recordAll Whether spans that are not kept are recorded, so that failed ones can be.
 */
export function createSampler(ratio: number, recordAll: boolean): Sampler {
  const byParent = new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) });
  const on = new AlwaysOnSampler();
  const off = new AlwaysOffSampler();
  return {
    shouldSample(context, traceId, name, kind, attributes, links) {
      const priority = attributes[PRIORITY];
      if (typeof priority === "number") {
        return priority > 0 ? on.shouldSample() : off.shouldSample();
      }
      const result = byParent.shouldSample(context, traceId, name, kind, attributes, links);
      return recordAll && result.decision === SamplingDecision.NOT_RECORD
        ? { ...result, decision: SamplingDecision.RECORD }
        : result;
    },
    toString: () => `CqiSampler{${byParent}}`,
  };
}
