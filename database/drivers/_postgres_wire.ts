import type { Connection } from "pg";
import type { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";

/** A message of the server about an error, as the client reads it. */
export interface ServerMessage extends Error {
  /** SQLSTATE; absent when it is the client's own error. */
  readonly code?: string;
  readonly severity?: string;
  /** Function of the server that said it. */
  readonly routine?: string;
}

/** A column as the message RowDescription has it. */
export interface WireColumn {
  readonly name: string;
  readonly dataTypeID: number;
}

/**
 * What a connection of the client `pg` can send, which its types leave out in part (messages of
 * PostgreSQL's protocol 3, "Message Formats").
 */
export interface Wire {
  readonly stream: Duplex;
  on(event: "readyForQuery", listener: (message: { readonly status?: string }) => void): void;
  on(
    event: "parameterStatus",
    listener: (
      message: { readonly parameterName: string; readonly parameterValue: string },
    ) => void,
  ): void;
  query(text: string): void;
  sync(): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
  sendCopyFail(reason: string): void;
}

/** The part of the client's connection that its types leave out. */
export function wireOf(connection: Connection): Wire {
  return connection as unknown as Wire;
}

/** What the client tells the query that is under way; it calls the methods by these names. */
export interface Exchange {
  /** Sends the messages. */
  submit(connection: Connection): void;
  handleRowDescription(message: { readonly fields: readonly WireColumn[] }): void;
  handleDataRow(message: { readonly fields: (string | null)[] }): void;
  handleCommandComplete(message: { readonly text: string }): void;
  handleEmptyQuery(): void;
  handlePortalSuspended(): void;
  handleCopyInResponse(connection: Connection): void;
  handleCopyData(): void;
  /** The server's error, or the client's when the connection is lost. */
  handleError(error: ServerMessage): void;
  /** Called only when there was no error; ours is the connection's own event. */
  handleReadyForQuery(): void;
}
