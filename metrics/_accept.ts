import type { ExpositionFormat } from "./types.ts";

const MAX_HEADER = 1000;

/** Weight that a header `accept` gives to one of its ranges (RFC 9110 section 12.5.1). */
function weight(range: string): number {
  const q = /;\s*q=([01](?:\.\d{0,3})?)\s*(?:;|$)/i.exec(range);
  return q === null ? 1 : Number(q[1]);
}

/**
 * Which format a scraper wants: OpenMetrics when it names it with a weight no less than that of
 * plain text, as Prometheus does.
 *
 * @param accept Value of the header.
 */
export function formatFor(accept: string | null | undefined): ExpositionFormat {
  let open = 0;
  let plain = 0;
  for (const range of (accept ?? "").slice(0, MAX_HEADER).split(",")) {
    const type = range.split(";")[0]!.trim().toLowerCase();
    if (type === "application/openmetrics-text") open = Math.max(open, weight(range));
    if (type === "text/plain") plain = Math.max(plain, weight(range));
  }
  return open > 0 && open >= plain ? "openmetrics" : "prometheus";
}
