import { CqiError } from "../errors/mod.ts";

/** Says what a value is without saying the value: it may be a secret or 10 MB long. */
export function shapeOf(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "string") return `a string of ${value.length} characters`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === "object" ? "an object" : `of type ${typeof value}`;
}

/** Throws `CQI_OPTION_INVALID` for an option, naming it, what it is and what was wanted. */
export function refuse(name: string, value: unknown, wanted: string): never {
  throw new CqiError(
    "CQI_OPTION_INVALID",
    `Cannot use option '${name}': it must be ${wanted}, current value is ${shapeOf(value)}`,
    { details: { option: name, wanted } },
  );
}

/** Checks that an option is a whole number within bounds, both inclusive. */
export function requireInteger(name: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    refuse(name, value, `a whole number from ${min} to ${max}`);
  }
  return value;
}

/** Checks that an option is a finite number within bounds, both inclusive. */
export function requireNumber(name: string, value: number, min: number, max: number): number {
  if (!Number.isFinite(value) || value < min || value > max) {
    refuse(name, value, `a number from ${min} to ${max}`);
  }
  return value;
}

/** Checks that a section of the configuration is an object: without types it may be anything. */
export function requireSection<T>(area: string, section: T): T {
  if (typeof section === "object" && section !== null && !Array.isArray(section)) return section;
  throw new CqiError(
    "CQI_OPTION_INVALID",
    `Cannot open ${area}: its section must be an object, current value is ${shapeOf(section)}`,
    { details: { option: "section", wanted: "an object" } },
  );
}

/** Checks that an option is one of a list of words. */
export function requireOneOf<T extends string>(
  name: string,
  value: string,
  allowed: readonly T[],
): T {
  if (!(allowed as readonly string[]).includes(value)) {
    refuse(name, value, `one of ${allowed.map((word) => `'${word}'`).join(", ")}`);
  }
  return value as T;
}
