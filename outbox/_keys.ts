import { sql } from "../database/mod.ts";
import type { Environment } from "./_environment.ts";
import type { Answer } from "./_exchange.ts";

/** A request that wants to be carried out once. */
export interface Claim {
  readonly scope: string;
  readonly key: string;
  readonly fingerprint: string;
  /** Id of this attempt. */
  readonly owner: string;
}

/** What an earlier request of the key left. */
export interface Kept {
  readonly fingerprint: string;
  /** Undefined when it was carried out and its answer was too long. */
  readonly answer: Answer | undefined;
}

/** The table of idempotency keys. */
export interface Keys {
  /** Takes the key, or says what is in its way: another request, or one that has ended. */
  claim(claim: Claim, signal: AbortSignal): Promise<"ours" | "busy" | Kept>;
  /** Keeps the answer. */
  keep(claim: Claim, status: number, answer: Answer | undefined): Promise<void>;
  /** Gives the key back: the request may be tried again. */
  release(claim: Claim): Promise<void>;
}

interface Row {
  readonly fingerprint: string;
  readonly status: number | null;
  readonly headers: Answer["headers"] | null;
  readonly body: Uint8Array | null;
}

/** Makes the table of keys. */
export function keysOf(
  { db, tables: { idempotency } }: Environment,
  { lockMs, expiryMs }: { readonly lockMs: number; readonly expiryMs: number },
): Keys {
  const within = (ms: number) => sql.fragment`now() + ${ms} * interval '1 millisecond'`;
  return {
    async claim({ scope, key, fingerprint, owner }, signal) {
      // A key whose request died is taken over by the same request only: another one with its key
      // is a mistake of the caller's, now as before.
      const taken = await db.sql`
        insert into ${idempotency} as i
          (scope, key, fingerprint, owner, locked_until, expires_at)
        values (
          ${scope}, ${key}, ${fingerprint}, ${owner}, ${within(lockMs)}, ${within(expiryMs)}
        )
        on conflict (scope, key) do update set
          fingerprint = excluded.fingerprint, owner = excluded.owner,
          locked_until = excluded.locked_until, expires_at = excluded.expires_at,
          status = null, headers = null, body = null
        where i.expires_at < now()
          or (i.status is null and i.locked_until < now() and i.fingerprint = excluded.fingerprint)
        returning owner`.with({ name: "idempotency_claim", signal });
      if (taken.length > 0) return "ours";
      const row = await db.sql<Row>`
        select fingerprint, status, headers, body from ${idempotency}
        where scope = ${scope} and key = ${key}`
        .with({ name: "idempotency_read", signal }).maybeOne();
      // Given back between the two: the next look takes it.
      if (row === undefined) return "busy";
      if (row.status === null && row.fingerprint === fingerprint) return "busy";
      const { status, headers, body } = row;
      return {
        fingerprint: row.fingerprint,
        answer: status === null || headers === null || body === null
          ? undefined
          : { status, headers, bytes: body },
      };
    },
    async keep({ scope, key, owner }, status, answer) {
      await db.sql`
        update ${idempotency}
        set status = ${status}, headers = ${sql.json(answer?.headers ?? null)},
          body = ${answer?.bytes ?? null}, locked_until = null
        where scope = ${scope} and key = ${key} and owner = ${owner}`
        .with({ name: "idempotency_keep", idempotent: true });
    },
    async release({ scope, key, owner }) {
      await db.sql`
        delete from ${idempotency}
        where scope = ${scope} and key = ${key} and owner = ${owner} and status is null`
        .with({ name: "idempotency_release", idempotent: true });
    },
  };
}
