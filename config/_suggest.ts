// Names are short; longer ones are no typing mistakes and would cost time.
const MAX_LENGTH = 80;

/** How many letters have to be changed, added, dropped or swapped to make one name of another. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min(
        previous[j]! + 1,
        current[j - 1]! + 1,
        previous[j - 1]! + (same ? 0 : 1),
      );
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) least = Math.min(least, before[j - 2]! + 1);
      current.push(least);
    }
    before = previous;
    previous = current;
  }
  return previous[b.length]!;
}

const plain = (name: string): string => name.toLowerCase().replaceAll(/[-_.]/g, "");

/**
 * The name that was probably meant.
 *
 * @param name What was written.
 * @param known Names that exist.
 */
export function suggest(name: string, known: Iterable<string>): string | undefined {
  if (name.length > MAX_LENGTH) return undefined;
  const flat = plain(name);
  let best: string | undefined;
  let least = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) >= least + 3) continue;
    const score = plain(candidate) === flat ? 0 : distance(name, candidate);
    if (score < least) [best, least] = [candidate, score];
  }
  return best;
}

/**
 * The end of a message about an unknown name.
 *
 * @param name What was written.
 * @param known Names that exist.
 */
export function didYouMean(name: string, known: Iterable<string>): string {
  const best = suggest(name, known);
  return best === undefined ? "" : `; did you mean '${best}'?`;
}
