/** The offset that is wanted, as far as the log has it; without one the first. */
export function within(wanted: bigint | undefined, first: bigint, end: bigint): bigint {
  if (wanted === undefined || wanted < first) return first;
  return wanted > end ? end : wanted;
}
