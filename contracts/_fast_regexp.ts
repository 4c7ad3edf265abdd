// Patterns of the rules are RE2's. The runtime's own engine is some 30 times faster and means the
// same by the patterns taken here, whose every construct is known.

// One atom: an escaped punctuation mark, a class, a plain character. No `.`, no \s, \d, \w, \b, no
// back reference, no look-around: engines differ there.
const CLASS = String.raw`\[\^?(?:[^\]\\\[]|\\[\]\[\\\-.^$/|+*?(){}nrt])+\]`;
const PLAIN = String.raw`[^\\.[\](){}|*+?^$]|\\[.\-\\/|+*?(){}\[\]^$]`;
const TOKEN = String.raw`(\(\?:|\(|\)|\|)|(\{[0-9]{1,4}(?:,[0-9]{0,4})?\}|[*+?])|${CLASS}|${PLAIN}`;

interface Group {
  /** Whether it has what repeats, or alternatives: twice nested, matching may take for ever. */
  repeats: boolean;
}

/**
 * The same pattern for the runtime's own engine.
 *
 * @param source Pattern in RE2's syntax.
 * @returns Undefined for one that may mean something else there, or take exponential time: without
 * both anchors, with a repetition inside another, or with what is not known here.
 */
export function nativePattern(source: string): RegExp | undefined {
  if (!source.startsWith("^") || !source.endsWith("$") || source.endsWith("\\$")) return undefined;
  const body = source.slice(1, -1);
  // An alternative would leave the anchors to one side.
  const groups: Group[] = [{ repeats: false }];
  let closed: Group | undefined;
  let atom = false;
  const next = new RegExp(TOKEN, "uy");
  while (next.lastIndex < body.length) {
    const match = next.exec(body);
    if (match === null) return undefined;
    const [, structure, quantifier] = match;
    if (structure === "(?:" || structure === "(") {
      groups.push({ repeats: false });
      atom = false;
    } else if (structure === ")") {
      closed = groups.pop();
      if (groups.length === 0 || closed === undefined) return undefined;
      groups.at(-1)!.repeats ||= closed.repeats;
      atom = true;
      continue;
    } else if (structure === "|") {
      if (groups.length === 1) return undefined;
      groups.at(-1)!.repeats = true;
      atom = false;
    } else if (quantifier !== undefined) {
      if (!atom) return undefined;
      const many = isMany(quantifier);
      if (many && closed?.repeats) return undefined;
      if (many) groups.at(-1)!.repeats = true;
      // A quantifier of a quantifier makes it lazy or possessive.
      atom = false;
    } else atom = true;
    closed = undefined;
  }
  return groups.length === 1 ? new RegExp(source, "u") : undefined;
}

function isMany(quantifier: string): boolean {
  if (quantifier === "?") return false;
  return quantifier !== "{1}" && quantifier !== "{0,1}";
}
