import type { Connection } from "pg";
import type { DriverColumn, DriverResult } from "../types.ts";
import { queryMessages } from "./_postgres_messages.ts";
import type { Prepared } from "./_postgres_statements.ts";
import {
  type Exchange,
  type ServerMessage,
  type Wire,
  type WireColumn,
  wireOf,
} from "./_postgres_wire.ts";

function columnsOf(fields: readonly WireColumn[]): readonly DriverColumn[] {
  return fields.map(({ name, dataTypeID }) => ({ name, type: dataTypeID }));
}

/** What all exchanges have in common: the answer is gathered, the first error kept. */
export abstract class Gathering implements Exchange {
  /** The first error that the server said. */
  error: ServerMessage | undefined;
  protected columns: readonly DriverColumn[] = [];
  protected rows: (string | null)[][] = [];
  #tag = "";

  abstract submit(connection: Connection): void;

  handleRowDescription({ fields }: { readonly fields: readonly WireColumn[] }): void {
    this.columns = columnsOf(fields);
    this.rows = [];
  }

  handleDataRow({ fields }: { readonly fields: (string | null)[] }): void {
    this.rows.push(fields);
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.#tag = text;
  }

  handleError(error: ServerMessage): void {
    this.error ??= error;
  }

  handleCopyInResponse(connection: Connection): void {
    const wire = wireOf(connection);
    wire.sendCopyFail("a query has no data to copy");
    // The Sync that stood behind the query was swallowed while the server waited for data.
    wire.sync();
  }

  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}
  handleCopyData(): void {}
  handleReadyForQuery(): void {}

  /** First word of the command tag. */
  get command(): string {
    const end = this.#tag.indexOf(" ");
    return end < 0 ? this.#tag : this.#tag.slice(0, end);
  }

  get result(): DriverResult {
    // A tag that counts ends in the count: "INSERT 0 3", "SELECT 2"; others do not: "CREATE TABLE".
    const last = this.#tag.slice(this.#tag.lastIndexOf(" ") + 1);
    return {
      command: this.command,
      count: last >= "0" && last < ":" ? Number(last) : 0,
      columns: this.columns,
      rows: this.rows,
    };
  }
}

/** One statement with its values (Extended Query). */
export class StatementExchange extends Gathering {
  readonly #text: string;
  readonly #params: readonly (string | null)[];
  readonly #prepared: Prepared;

  constructor(text: string, params: readonly (string | null)[], prepared: Prepared) {
    super();
    this.#text = text;
    this.#params = params;
    this.#prepared = prepared;
    if (prepared.columns !== undefined) this.columns = prepared.columns;
  }

  submit(connection: Connection): void {
    const { name, columns, forgotten, isParsed } = this.#prepared;
    connection.stream.write(queryMessages({
      forgotten,
      name,
      text: isParsed ? undefined : this.#text,
      params: this.#params,
      // What is known of a prepared statement need not be asked again: the server refuses to run
      // one whose columns have changed.
      isDescribed: columns === undefined,
    }));
  }
}

/** A text of any number of statements (Simple Query). */
export class ScriptExchange extends Gathering {
  readonly #text: string;

  constructor(text: string) {
    super();
    this.#text = text;
  }

  submit(connection: Connection): void {
    connection.query(this.#text);
  }

  // A script's rows are nobody's.
  override handleDataRow(): void {}

  override handleCopyInResponse(connection: Connection): void {
    wireOf(connection).sendCopyFail("a script has no data to copy");
  }
}

/** `copy ... from stdin` with the data that goes in. */
export class CopyExchange extends Gathering {
  readonly #text: string;
  readonly #start: (wire: Wire) => void;

  /**
   * @param text The COPY statement.
   * @param start Called when the server waits for data.
   */
  constructor(text: string, start: (wire: Wire) => void) {
    super();
    this.#text = text;
    this.#start = start;
  }

  submit(connection: Connection): void {
    connection.query(this.#text);
  }

  override handleCopyInResponse(connection: Connection): void {
    this.#start(wireOf(connection));
  }
}
