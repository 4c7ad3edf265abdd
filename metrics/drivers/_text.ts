// Numbers as OpenMetrics 1.0.0 wants them in the label `le`: like Go's strconv.FormatFloat(v, 'g'),
// always with a fraction or an exponent, so that one bound is one text everywhere.

const MIN_PLAIN = 1e-4;
const MAX_PLAIN = 1e6;

/** A bucket's upper bound as the text of its label. */
export function boundText(bound: number): string {
  const size = Math.abs(bound);
  if (size !== 0 && (size >= MAX_PLAIN || size < MIN_PLAIN)) {
    const [mantissa, exponent = "0"] = bound.toExponential().split("e");
    const sign = exponent.startsWith("-") ? "-" : "+";
    return `${mantissa}e${sign}${exponent.replace(/[+-]/, "").padStart(2, "0")}`;
  }
  const text = String(bound);
  return text.includes(".") ? text : `${text}.0`;
}
