import { looseValue } from "./plain_scalar.ts";
import { LEAF, type Shape, type Slot } from "./_shape.ts";
import { didYouMean } from "./_suggest.ts";
import {
  type ConfigMap,
  type ConfigNode,
  type ConfigProblem,
  type ConfigVariables,
  isForbidden,
} from "./source.ts";

/** What variables say. */
export interface Mapped {
  readonly tree: ConfigMap;
  readonly problems: readonly ConfigProblem[];
  /** Variables that fit no setting; a mistake unless something else reads them. */
  readonly unknown: readonly ConfigProblem[];
}

type Step = string | number;

interface Target {
  readonly steps: readonly Step[];
  /** What the text is: one value, a list `a,b`, a map `a=1,b=2`, or a secret. */
  readonly form: "value" | "open" | "list" | "map" | "secret";
}

const INDEX_REGEXP = /^(0|[1-9][0-9]{0,3})(?:_(.+))?$/;
const MAX_STEPS = 32;
const MAX_NAME = 512;

/** Maps variables to settings by their names. */
export function mapVariables(variables: ConfigVariables, shape: Shape): Mapped {
  const draft = new Draft();
  const problems: ConfigProblem[] = [];
  const unknown: ConfigProblem[] = [];
  let known: string[] | undefined;
  const root: Slot = { kind: "group", shape: () => shape };
  // By name, so that the same environment gives the same messages.
  for (const [name, value] of [...variables.values].sort(([a], [b]) => a < b ? -1 : 1)) {
    const rest = name.slice(variables.prefix.length);
    const target = name.length > MAX_NAME ? undefined : resolve(root, rest, 0);
    if (target === undefined || target.steps.length === 0) {
      known ??= namesOf(shape, variables.prefix, 0);
      const message = `fits no setting${didYouMean(name, known)}`;
      unknown.push({ path: "", source: name, message });
      continue;
    }
    const path = pathOf(target.steps);
    const forbidden = target.steps.find((step) => typeof step === "string" && isForbidden(step));
    const node = forbidden === undefined ? nodeOf(target.form, name, value) : undefined;
    const message = forbidden !== undefined
      ? `uses the name '${forbidden}', which is not allowed`
      : node === undefined
      ? "must be name=value pairs with commas between them"
      : draft.set(target.steps, node);
    if (message !== undefined) problems.push({ path, source: name, message });
  }
  return { tree: draft.tree(problems), problems, unknown };
}

function nodeOf(form: Target["form"], at: string, text: string): ConfigNode | undefined {
  const leaf = (part: string): ConfigNode => ({
    kind: "scalar",
    value: form === "open" ? looseValue(part) : part,
    text: part,
    at,
    loose: true,
  });
  const parts = (): string[] =>
    text.trim() === "" ? [] : text.split(",").map((part) => part.trim());
  if (form === "list") return { kind: "list", items: parts().map(leaf), at };
  if (form === "secret") {
    return { kind: "scalar", value: text, text, at, secret: true, reference: { env: at } };
  }
  if (form !== "map") return leaf(text);
  const entries = new Map<string, ConfigNode>();
  for (const part of parts()) {
    const equals = part.indexOf("=");
    const key = part.slice(0, Math.max(0, equals)).trim();
    if (equals <= 0 || isForbidden(key) || entries.has(key)) return undefined;
    entries.set(key, leaf(part.slice(equals + 1).trim()));
  }
  return { kind: "map", entries, at };
}

function resolve(slot: Slot, rest: string, depth: number): Target | undefined {
  if (depth > MAX_STEPS) return undefined;
  switch (slot.kind) {
    case "leaf":
      return rest === "" ? { steps: [], form: "value" } : undefined;
    case "open":
      return resolveOpen(rest, slot.known, depth);
    case "list": {
      if (rest === "") return slot.item.kind === "leaf" ? { steps: [], form: "list" } : undefined;
      const match = INDEX_REGEXP.exec(rest);
      return match === null ? undefined : under(Number(match[1]), slot.item, match[2] ?? "", depth);
    }
    case "map":
      return resolveKey(slot.value, rest, depth);
    case "group":
      if (rest === "") return slot.secret ? { steps: [], form: "secret" } : undefined;
      return resolveName(slot.shape(), rest, depth);
  }
}

function under(step: Step, slot: Slot, rest: string, depth: number): Target | undefined {
  const target = resolve(slot, rest, depth + 1);
  return target && { ...target, steps: [step, ...target.steps] };
}

function resolveName(shape: Shape, rest: string, depth: number): Target | undefined {
  // The longest name first: `circuit_breaker` before a `circuit`.
  for (const [name, slot] of [...shape.slots].sort(([a], [b]) => b.length - a.length)) {
    const upper = name.toUpperCase();
    if (rest !== upper && !(rest.startsWith(`${upper}_`) && rest.length > upper.length + 1)) {
      continue;
    }
    const target = under(name, slot, rest.slice(upper.length + 1), depth);
    if (target !== undefined) return target;
  }
  return undefined;
}

function resolveKey(value: Slot, rest: string, depth: number): Target | undefined {
  if (rest === "") return value.kind === "leaf" ? { steps: [], form: "map" } : undefined;
  for (let cut = rest.lastIndexOf("_"); cut > 0; cut = rest.lastIndexOf("_", cut - 1)) {
    if (cut === rest.length - 1) continue;
    const target = under(rest.slice(0, cut).toLowerCase(), value, rest.slice(cut + 1), depth);
    if (target !== undefined) return target;
  }
  return under(rest.toLowerCase(), value, "", depth);
}

// Names are not known here: those that weaker sources use come first, then `__` parts levels.
function resolveOpen(
  rest: string,
  known: ConfigNode | undefined,
  depth: number,
): Target | undefined {
  if (rest === "") return { steps: [], form: known?.kind === "list" ? "list" : "open" };
  const next = (step: Step, child: ConfigNode | undefined, more: string): Target | undefined =>
    under(step, { kind: "open", known: child }, more, depth);
  if (known?.kind === "list") {
    const match = INDEX_REGEXP.exec(rest);
    if (match === null) return undefined;
    return next(Number(match[1]), known.items[Number(match[1])], match[2] ?? "");
  }
  if (known?.kind === "map") {
    for (const [key, child] of [...known.entries].sort(([a], [b]) => b.length - a.length)) {
      const upper = key.toUpperCase();
      if (rest === upper) return next(key, child, "");
      if (!rest.startsWith(`${upper}_`) || child.kind === "scalar") continue;
      const target = next(key, child, rest.slice(upper.length + 1).replace(/^_/, ""));
      if (target !== undefined) return target;
    }
  }
  const cut = rest.indexOf("__", 1);
  return cut < 0 || cut + 2 >= rest.length
    ? next(rest.toLowerCase(), undefined, "")
    : next(rest.slice(0, cut).toLowerCase(), undefined, rest.slice(cut + 2));
}

/** Names of variables that exist, for suggestions. */
function namesOf(shape: Shape, prefix: string, depth: number): string[] {
  if (depth > 6) return [];
  return [...shape.slots].flatMap(([name, slot]) =>
    namesAt(slot, prefix + name.toUpperCase(), depth)
  );
}

function namesAt(slot: Slot, name: string, depth: number): string[] {
  if (slot.kind === "list") {
    return slot.item === LEAF ? [name] : namesAt(slot.item, `${name}_0`, depth);
  }
  if (slot.kind === "group") {
    return [...(slot.secret ? [name] : []), ...namesOf(slot.shape(), `${name}_`, depth + 1)];
  }
  return [name];
}

/** The path of a setting: `a.b[0].c`. */
function pathOf(steps: readonly Step[]): string {
  return steps.reduce<string>(
    (path, step) =>
      typeof step === "number" ? `${path}[${step}]` : path === "" ? step : `${path}.${step}`,
    "",
  );
}

interface Branch {
  readonly at: string;
  readonly numbered: boolean;
  readonly children: Map<Step, Branch | ConfigNode>;
}

/** Settings as they come in, by name and by number. */
class Draft {
  readonly #root: Branch = { at: "environment", numbered: false, children: new Map() };

  /** Sets one; gives what is wrong when another variable is in the way. */
  set(steps: readonly Step[], node: ConfigNode): string | undefined {
    let branch = this.#root;
    for (const [i, step] of steps.slice(0, -1).entries()) {
      const numbered = typeof steps[i + 1] === "number";
      const child = branch.children.get(step) ?? { at: node.at, numbered, children: new Map() };
      if (!("children" in child) || child.numbered !== numbered) return conflict(child.at);
      branch.children.set(step, child);
      branch = child;
    }
    const last = steps.at(-1)!;
    const other = branch.children.get(last);
    if (other !== undefined) return conflict(other.at);
    branch.children.set(last, node);
    return undefined;
  }

  tree(problems: ConfigProblem[]): ConfigMap {
    const root = freeze(this.#root, [], problems);
    return root.kind === "map" ? root : { kind: "map", entries: new Map(), at: "environment" };
  }
}

function conflict(other: string): string {
  return `cannot be set together with '${other}'; use one of the two`;
}

function freeze(
  branch: Branch | ConfigNode,
  steps: readonly Step[],
  problems: ConfigProblem[],
): ConfigNode {
  if (!("children" in branch)) return branch;
  const { at } = branch;
  if (!branch.numbered) {
    const entries = new Map<string, ConfigNode>();
    for (const [key, child] of branch.children) {
      entries.set(String(key), freeze(child, [...steps, key], problems));
    }
    return { kind: "map", entries, at };
  }
  const items: ConfigNode[] = [];
  for (let i = 0; i < branch.children.size; i++) {
    const child = branch.children.get(i);
    if (child === undefined) {
      const message = `has no number ${i}; number members from 0 without gaps`;
      problems.push({ path: pathOf(steps), source: at, message });
      break;
    }
    items.push(freeze(child, [...steps, i], problems));
  }
  return { kind: "list", items, at };
}
