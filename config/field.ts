import { parseDuration } from "../core/mod.ts";
import { decimal as decimals } from "../contracts/mod.ts";
import { readNumber } from "./_leaf.ts";
import { parseSize } from "./size.ts";

/** What a field makes of a text: its value, or what was wanted. */
export type FieldResult<T> = { readonly value: T } | { readonly wanted: string };

/**
 * One setting of a section: how its text is read, and what its absence means.
 *
 * @typeParam T What it gives.
 */
export interface Field<T> {
  /** A value, a list of values, or the place of a secret. */
  readonly form: "value" | "list" | "secret";
  /**
   * Reads it.
   *
   * @param value A text, a list of texts, or for a secret `{ env }` or `{ file }`.
   */
  read(value: unknown): FieldResult<T>;
  /** What absence gives; undefined when the setting is required. */
  readonly absent?: { readonly value: T };
}

/** What every field takes. */
export interface FieldOptions<T> {
  /** What absence gives. @default {the setting is required} */
  readonly default?: T;
}

/** Bounds of a number, both inclusive. */
export interface RangeOptions extends FieldOptions<number> {
  /** Least value. */
  readonly min?: number;
  /** Greatest value. */
  readonly max?: number;
}

/** Bounds of a text. */
export interface TextOptions extends FieldOptions<string> {
  /** Fewest characters. @default {1} */
  readonly minLength?: number;
  /** Most characters. @default {10_000} */
  readonly maxLength?: number;
}

/** How a duration is read. */
export interface DurationOptions {
  /** What absence gives, in milliseconds or as text. @default {the setting is required} */
  readonly default?: number | string;
}

/** How a size is read. */
export interface SizeOptions {
  /** What absence gives, in bytes or as text. @default {the setting is required} */
  readonly default?: number | string;
}

/** Where a secret lies; `resolveSecret` reads it. */
export type SecretPlace = { readonly env: string } | { readonly file: string };

function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  const simple = typeof value === "number" || typeof value === "bigint" ||
    typeof value === "boolean";
  return simple ? String(value) : undefined;
}

function field<T>(
  parse: (text: string) => T | undefined,
  wanted: string,
  options: FieldOptions<T> = {},
): Field<T> {
  return {
    form: "value",
    read(value) {
      const text = textOf(value);
      const parsed = text === undefined ? undefined : parse(text);
      return parsed === undefined ? { wanted } : { value: parsed };
    },
    ...(options.default === undefined ? {} : { absent: { value: options.default } }),
  };
}

/**
 * A text.
 *
 * @param options Bounds and default.
 */
export function text(options: TextOptions = {}): Field<string> {
  const { minLength = 1, maxLength = 10_000 } = options;
  const fits = (value: string): boolean => value.length >= minLength && value.length <= maxLength;
  const wanted = `a text of ${minLength} to ${maxLength} characters`;
  return field((value) => fits(value) ? value : undefined, wanted, options);
}

function range(what: string, { min, max }: RangeOptions): string {
  if (min !== undefined && max !== undefined) return `${what} from ${min} to ${max}`;
  if (min !== undefined) return `${what} from ${min}`;
  return max === undefined ? what : `${what} up to ${max}`;
}

function within(value: number, { min = -Infinity, max = Infinity }: RangeOptions): boolean {
  return value >= min && value <= max;
}

/**
 * A whole number.
 *
 * @param options Bounds and default.
 */
export function integer(options: RangeOptions = {}): Field<number> {
  return field(
    (value) => {
      const number = /^-?(?:0|[1-9][0-9]{0,15})$/.test(value) ? Number(value) : NaN;
      return Number.isSafeInteger(number) && within(number, options) ? number : undefined;
    },
    range("a whole number", options),
    options,
  );
}

/**
 * A number that is no money: a ratio, a factor; `12.5%` is 0.125. Money is {@linkcode decimal}.
 *
 * @param options Bounds and default.
 */
export function number(options: RangeOptions = {}): Field<number> {
  return field(
    (value) => {
      const leaf = readNumber(value);
      return "value" in leaf && within(leaf.value, options) ? leaf.value : undefined;
    },
    range("a number or a percentage", options),
    options,
  );
}

/**
 * An exact decimal, kept as text, for money and quantities; see `decimal` of `@cq/cqi/contracts`.
 *
 * @param options Default.
 */
export function decimal(options: FieldOptions<string> = {}): Field<string> {
  const wanted = "a decimal such as '100000' or '0.001', without exponent";
  return field((value) => decimals.isDecimal(value) ? value : undefined, wanted, options);
}

/**
 * True or false.
 *
 * @param options Default.
 */
export function flag(options: FieldOptions<boolean> = {}): Field<boolean> {
  const parse = (value: string): boolean | undefined =>
    value === "true" ? true : value === "false" ? false : undefined;
  return field(parse, "true or false", options);
}

/**
 * A duration with a unit, such as `1h30m`. Gives milliseconds.
 *
 * @param options Default.
 */
export function duration(options: DurationOptions = {}): Field<number> {
  const parse = (value: string): number | undefined => value === "0" ? 0 : parseDuration(value);
  return field(
    parse,
    "a duration with a unit, such as '250ms', '30s' or '1h30m'",
    withDefault(options.default, parse),
  );
}

/**
 * A size, such as `10MiB`. Gives bytes.
 *
 * @param options Default.
 */
export function size(options: SizeOptions = {}): Field<number> {
  return field(parseSize, "a size such as '10MiB'", withDefault(options.default, parseSize));
}

function withDefault(
  value: number | string | undefined,
  parse: (text: string) => number | undefined,
): FieldOptions<number> {
  const parsed = typeof value === "string" ? parse(value) : value;
  return parsed === undefined ? {} : { default: parsed };
}

/**
 * An absolute URL. Gives its text.
 *
 * @param options Default.
 */
export function url(options: FieldOptions<string> = {}): Field<string> {
  return field((value) => URL.canParse(value) ? value : undefined, "an absolute URL", options);
}

/**
 * One of some words.
 *
 * @param words The words.
 * @param options Default.
 */
export function oneOf<const T extends string>(
  words: readonly T[],
  options: FieldOptions<NoInfer<T>> = {},
): Field<T> {
  const wanted = `one of ${words.map((word) => `'${word}'`).join(", ")}`;
  return field<T>((value) => words.find((word) => word === value), wanted, options);
}

/**
 * A list, in a variable written as `a,b,c`.
 *
 * @param item What its members are.
 * @param options Default.
 */
export function list<T>(
  item: Field<T>,
  options: FieldOptions<readonly T[]> = {},
): Field<readonly T[]> {
  return {
    form: "list",
    read(value) {
      if (!Array.isArray(value)) return { wanted: "a list" };
      const items: T[] = [];
      for (const [i, each] of value.entries()) {
        const result = item.read(each);
        if ("wanted" in result) return { wanted: `a list whose member ${i} is ${result.wanted}` };
        items.push(result.value);
      }
      return { value: items };
    },
    ...(options.default === undefined ? {} : { absent: { value: options.default } }),
  };
}

/** The place of a secret, never the secret: `{ env: NAME }`, `{ file: PATH }` or `${NAME}`. */
export function secret(): Field<SecretPlace> {
  const wanted = "where the secret lies, such as 'env: NAME', 'file: PATH' or '${NAME}'; the " +
    "secret itself has no place in a configuration";
  return {
    form: "secret",
    read(value) {
      const { env, file } = (value ?? {}) as { env?: unknown; file?: unknown };
      if (typeof env === "string" && env !== "" && file === undefined) return { value: { env } };
      if (typeof file === "string" && file !== "" && env === undefined) return { value: { file } };
      return { wanted };
    },
  };
}

/**
 * A setting that may be absent and has no default.
 *
 * @param inner The setting.
 */
export function optional<T>(inner: Field<T>): Field<T | undefined> {
  return { ...inner, absent: { value: undefined } };
}
