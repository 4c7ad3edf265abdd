import { type Reason, rowProblem } from "./outcome.ts";

/** Reads fields of a row that may hold anything; what is wrong is collected, nothing is thrown. */
export interface RowReader {
  /** What was wrong so far, of this row and of those within. */
  readonly problems: Reason[];
  /** All of its fields; none when it is no object. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** A text; undefined when it is missing, or is something else, which is a problem. */
  text(name: string): string | undefined;
  /** An integer that JSON keeps exactly. */
  integer(name: string): number | undefined;
  /** True or false. */
  flag(name: string): boolean | undefined;
  /** A list. */
  list(name: string): readonly unknown[] | undefined;
  /** A row within; one that is missing reads as an empty one. */
  row(name: string): RowReader;
}

// Control characters but tabs and line ends, and what is not seen or turns the direction of text:
// a "USDT" that is another text. The joiners U+200C and U+200D stay: Persian and emoji need them.
const UNSEEN = /(?![\t\n\r])[\p{Cc}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u;

/** Whether a value is a text that has a form in UTF-8 and nothing in it that is not seen. */
export function isText(value: unknown): value is string {
  return typeof value === "string" && value.isWellFormed() && !UNSEEN.test(value);
}

const isInteger = (value: unknown): value is number => Number.isSafeInteger(value);
const isFlag = (value: unknown): value is boolean => typeof value === "boolean";
const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Makes a reader of a row.
 *
 * @param row Any JSON value.
 */
export function rowReader(row: unknown): RowReader {
  return readerOf(row, "", []);
}

function readerOf(row: unknown, path: string, problems: Reason[]): RowReader {
  const wrong = (field: string, want: string): undefined => {
    problems.push(rowProblem(field, "type", `must be ${want}`));
  };
  const fieldOf = (name: string): string => path === "" ? name : `${path}.${name}`;
  const record = isRecord(row) ? row : {};
  if (!isRecord(row) && row !== undefined) wrong(path, "an object");
  const read = <T>(name: string, want: string, is: (value: unknown) => value is T) => {
    const value = Object.hasOwn(record, name) ? record[name] : undefined;
    if (value === undefined || value === null) return undefined;
    return is(value) ? value : wrong(fieldOf(name), want);
  };
  return {
    problems,
    fields: record,
    text: (name) => read(name, "well-formed text without unseen characters", isText),
    integer: (name) => {
      const value = read(name, "an integer within 53 bits", isInteger);
      return Object.is(value, -0) ? 0 : value;
    },
    flag: (name) => read(name, "true or false", isFlag),
    list: (name) => read(name, "a list", isList),
    row: (name) => readerOf(read(name, "an object", isRecord), fieldOf(name), problems),
  };
}
