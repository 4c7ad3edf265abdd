import type { DriverColumn } from "../types.ts";

/** How a statement is sent. */
export interface Prepared {
  /** Its name on the server; empty for one that is parsed each time. */
  readonly name: string;
  /** Whether the server has it already. */
  readonly isParsed: boolean;
  /** Its columns, when they are known. */
  readonly columns: readonly DriverColumn[] | undefined;
  /** Names that the server is told to forget first. */
  readonly forgotten: readonly string[];
}

/** Why a prepared statement cannot be used again. */
export type Staleness = "unknown" | "out of date";

interface Known {
  /** Empty while the text was seen once only. */
  readonly name: string;
  /** Whether the server has answered; from then on it has the statement. */
  isParsed: boolean;
  /** Undefined also where they are not the same each time. */
  columns: readonly DriverColumn[] | undefined;
}

const NONE: readonly string[] = [];
const UNNAMED: Prepared = { name: "", isParsed: false, columns: undefined, forgotten: NONE };
// A plan takes the server some 10 to 100 kB for each connection.
const MAX_STATEMENTS = 256;
// Long texts are lists of values, which seldom come twice.
const MAX_TEXT = 10_000;

/** What the sessions of one driver tell each other. */
export class Plans {
  /** Counts how often a statement was out of date: others of other sessions may be so too. */
  age = 0;
}

/**
 * Which statements a session has prepared. A text gets a name the second time it comes, so that
 * those that come once leave nothing behind; the one not used for longest makes room.
 */
export class Statements {
  readonly #known = new Map<string, Known>();
  readonly #isOn: boolean;
  readonly #plans: Plans;
  #age: number;
  #forgotten: string[] = [];
  #serial = 0;

  /**
   * @param isOn False parses every statement each time, as poolers in transaction mode need it.
   * @param plans Shared with the driver's other sessions.
   */
  constructor(isOn: boolean, plans: Plans) {
    this.#isOn = isOn;
    this.#plans = plans;
    this.#age = plans.age;
  }

  /** How to send a text now. */
  next(text: string): Prepared {
    if (!this.#isOn || text.length > MAX_TEXT) return UNNAMED;
    if (this.#age !== this.#plans.age) {
      this.#age = this.#plans.age;
      for (const known of [...this.#known.keys()]) this.#forget(known);
    }
    const seen = this.#known.get(text);
    if (seen === undefined) {
      if (this.#known.size >= MAX_STATEMENTS) this.#forget(this.#known.keys().next().value!);
      this.#known.set(text, { name: "", isParsed: false, columns: undefined });
      return { ...UNNAMED, forgotten: this.#takeForgotten() };
    }
    const known = seen.name === ""
      ? { name: `cqi_${++this.#serial}`, isParsed: false, columns: undefined }
      : seen;
    // Last in the map is the one used last.
    this.#known.delete(text);
    this.#known.set(text, known);
    return {
      name: known.name,
      isParsed: known.isParsed,
      columns: known.columns,
      forgotten: this.#takeForgotten(),
    };
  }

  /**
   * Remembers that the server has a statement, and its columns.
   *
   * @param columns Undefined when the next answer may have others.
   */
  succeeded(text: string, columns: readonly DriverColumn[] | undefined): void {
    const known = this.#known.get(text);
    if (known === undefined || known.name === "") return;
    known.isParsed = true;
    known.columns ??= columns;
  }

  /**
   * Notes a failure. A statement that the server may not have, or not in this form, gets another
   * name next time.
   *
   * @param staleness The server called the statement unknown, or out of date.
   */
  failed(text: string, staleness: Staleness | undefined): void {
    if (staleness === "out of date") this.#plans.age++;
    if (staleness !== undefined || this.#known.get(text)?.isParsed !== true) this.#forget(text);
  }

  /** Forgets all of them, as the server does at `discard all`. */
  clear(): void {
    this.#known.clear();
    this.#forgotten = [];
  }

  #forget(text: string): void {
    const name = this.#known.get(text)?.name ?? "";
    if (name !== "") this.#forgotten.push(name);
    this.#known.delete(text);
  }

  #takeForgotten(): readonly string[] {
    if (this.#forgotten.length === 0) return NONE;
    const names = this.#forgotten;
    this.#forgotten = [];
    return names;
  }
}
