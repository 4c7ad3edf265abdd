import { equals } from "@bufbuild/protobuf";
import type { Imported, Outcome, Reason } from "./outcome.ts";

/** A row with what names it in its package. */
export interface SourceRow<T> {
  /** For example the address of a token, or `AaveV3Ethereum/WETH`. */
  readonly name: string;
  /** The row. */
  readonly row: T;
}

/** A row that became nothing. */
export interface RefusedRow {
  readonly name: string;
  readonly reasons: readonly Reason[];
}

/** Messages of many rows, each key once. */
export class Batch {
  readonly #messages = new Map<string, Imported>();
  readonly #givenBy = new Map<string, string>();
  readonly #refused: RefusedRow[] = [];
  readonly #omitted = new Map<string, { readonly reason: Reason; count: number }>();
  #rows = 0;

  /** Rows that were added. */
  get rows(): number {
    return this.#rows;
  }

  /** The messages, in the order of their rows. */
  get messages(): readonly Imported[] {
    return [...this.#messages.values()];
  }

  /** The rows that became nothing, each with every reason. */
  get refused(): readonly RefusedRow[] {
    return this.#refused;
  }

  /** Fields that rows which were taken do not give, and how many of them. */
  get omitted(): readonly { readonly reason: Reason; readonly count: number }[] {
    return [...this.#omitted.values()];
  }

  /** Adds what became of a row: all of its messages or none. */
  add(name: string, outcome: Outcome): void {
    this.#rows++;
    const refused = "refused" in outcome ? outcome.refused : this.#conflicts(outcome.messages);
    if (refused.length > 0 || "refused" in outcome) {
      this.#refused.push({ name, reasons: refused });
      return;
    }
    for (const message of outcome.messages) {
      const id = idIn(message);
      if (this.#messages.has(id)) continue;
      this.#messages.set(id, message);
      this.#givenBy.set(id, name);
    }
    for (const reason of outcome.omitted) {
      const id = `${reason.type} ${reason.field} ${reason.rule}`;
      const entry = this.#omitted.get(id) ?? { reason, count: 0 };
      entry.count++;
      this.#omitted.set(id, entry);
    }
  }

  /** A row's own message is new; the others may repeat what an earlier row gave, word for word. */
  #conflicts(messages: readonly Imported[]): Reason[] {
    return messages.flatMap((message, at) => {
      const before = this.#messages.get(idIn(message));
      if (before === undefined) return [];
      const same = equals(message.schema, before.message, message.message);
      if (same && at > 0) return [];
      return [{
        type: message.schema.typeName,
        field: "",
        rule: same ? "import.duplicate" : "import.conflict",
        reason: `${this.#givenBy.get(idIn(message))} gave ${same ? "the same" : "another"} one`,
      }];
    });
  }
}

const idIn = ({ schema, key }: Imported): string => `${schema.typeName} ${key}`;

/**
 * Imports rows one after the other.
 *
 * @param rows The rows.
 * @param importRow Makes messages of one.
 * @param batch What was imported before.
 */
export async function importRows<T>(
  rows: Iterable<SourceRow<T>>,
  importRow: (source: SourceRow<T>) => Outcome | Promise<Outcome>,
  batch: Batch = new Batch(),
): Promise<Batch> {
  for (const source of rows) batch.add(source.name, await importRow(source));
  return batch;
}
