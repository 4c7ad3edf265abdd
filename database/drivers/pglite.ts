import { PGlite, protocol } from "@electric-sql/pglite";
import { isFieldSet } from "@bufbuild/protobuf";
import type { Clock, Instruments } from "../../core/mod.ts";
import { type DatabaseConfig, PgliteConfigSchema } from "../../gen/ts/cqc/config/v1/mod.ts";
import type {
  DatabaseDriver,
  DatabaseFeatures,
  DriverConnection,
  DriverQueryOptions,
  DriverResult,
} from "../types.ts";
import { type Answer, readAnswer } from "./_protocol.ts";

// PGlite runs PostgreSQL in WASM on this very thread: while a statement runs nothing else does, so
// no timer fires, no signal aborts and the server's own timeouts (which are signals too) stay mute.
const FEATURES: DatabaseFeatures = {
  cancel: false,
  parallel: false,
  cursors: true,
  advisoryLocks: true,
  listen: false,
  copy: false,
};

/** SQLSTATE of a statement that was called off (query_canceled). */
const CANCELED = "57014";
/** SQLSTATE of what is not there (feature_not_supported). */
const UNSUPPORTED = "0A000";
const COPY_REGEXP = /\bcopy\b[^;]*\b(?:from\s+stdin|to\s+stdout)\b/i;

/**
 * Makes the driver `pglite`: PostgreSQL inside the process, in memory or in a directory. It has one
 * connection. Starting it takes a second or two.
 *
 * @param config Reads `pglite.data_dir` and `pglite.relaxed_durability`.
 * @param env The clock measures time limits.
 */
export async function createDriver(
  config: DatabaseConfig,
  env: Instruments,
): Promise<DatabaseDriver> {
  const { pglite: section } = config;
  const hasDirectory = section !== undefined &&
    isFieldSet(section, PgliteConfigSchema.field.dataDir);
  const pg = await PGlite.create({
    ...(hasDirectory ? { dataDir: section.dataDir } : {}),
    relaxedDurability: section?.relaxedDurability ?? false,
  });
  const host: Host = { pg, clock: env.clock, isDown: false };
  let closing: Promise<void> | undefined;
  return {
    name: "pglite",
    features: FEATURES,
    maxConnections: 1,
    settings: { search_path: "public", TimeZone: "UTC" },
    namespace: "postgres",
    connect({ signal }) {
      if (signal?.aborted) return Promise.reject(signal.reason);
      if (host.isDown) return Promise.reject(failure("PGLITE_DOWN"));
      return Promise.resolve(new PgliteConnection(host));
    },
    close() {
      host.isDown = true;
      // A crashed instance cannot be asked to close; its memory goes with the last reference.
      return closing ??= pg.close().catch(() => {});
    },
  };
}

interface Host {
  readonly pg: PGlite;
  readonly clock: Clock;
  /** Closed, or crashed. */
  isDown: boolean;
}

function failure(code: string): Error & { readonly code: string } {
  return Object.assign(new Error("PGlite cannot be used"), { code });
}

class PgliteConnection implements DriverConnection {
  readonly #host: Host;
  #isClosed = false;
  /** Status of the transaction: I idle, T inside, E failed (message ReadyForQuery). */
  #status = "I";

  constructor(host: Host) {
    this.#host = host;
  }

  get broken(): boolean {
    return this.#isClosed || this.#host.isDown;
  }

  async query(
    text: string,
    params: readonly (string | null)[],
    options: DriverQueryOptions,
  ): Promise<DriverResult> {
    this.#requireOpen(options);
    if (COPY_REGEXP.test(text)) throw failure(UNSUPPORTED);
    const { serialize } = protocol;
    const startedMs = this.#host.clock.monotonic();
    const answer = await this.#send(
      serialize.parse({ text }),
      serialize.bind({ values: [...params] }),
      serialize.describe({ type: "P" }),
      serialize.execute({}),
    );
    const { error, result } = answer;
    // Until Sync the statement has not committed by itself and can still be undone.
    const isLate = error === undefined && result.command !== "COMMIT" &&
      this.#host.clock.monotonic() - startedMs > options.timeoutMs;
    // Any error does: this one is a parse error, which needs no language and no privilege.
    if (isLate) await this.#send(serialize.parse({ text: "called off" }));
    await this.#finish(await this.#send(serialize.sync()));
    if (isLate) throw failure(CANCELED);
    if (error !== undefined) throw error;
    return result;
  }

  async script(text: string, options: DriverQueryOptions): Promise<void> {
    this.#requireOpen(options);
    // PGlite has no client that could send the data, and crashes where it is waited for.
    if (COPY_REGEXP.test(text)) throw failure(UNSUPPORTED);
    const answer = await this.#send(protocol.serialize.query(text));
    await this.#finish(answer);
    if (answer.error !== undefined) throw answer.error;
  }

  async close(): Promise<void> {
    if (this.broken) {
      this.#isClosed = true;
      return;
    }
    try {
      // The session outlives the connection: leave nothing in it for the next one.
      if (this.#status !== "I") await this.script("rollback", { timeoutMs: Infinity });
      await this.script("discard all", { timeoutMs: Infinity });
    } catch {
      this.#host.isDown = true;
    }
    this.#isClosed = true;
  }

  #requireOpen({ signal }: DriverQueryOptions): void {
    signal?.throwIfAborted();
    if (this.broken) throw failure("PGLITE_CLOSED");
  }

  async #send(...parts: readonly Uint8Array[]): Promise<Answer> {
    const chunks: Uint8Array[] = [];
    try {
      await this.#host.pg.execProtocolRawStream(joined(parts), {
        syncToFs: false,
        // A view of the WASM memory, which is used again.
        onRawData: (bytes) => void chunks.push(bytes.slice()),
      });
    } catch {
      // Not PostgreSQL's own error, which comes as a message: the WASM instance is gone.
      this.#host.isDown = true;
      throw failure("PGLITE_CRASHED");
    }
    return readAnswer(joined(chunks));
  }

  async #finish({ status }: Answer): Promise<void> {
    this.#status = status ?? this.#status;
    if (this.#status === "I") await this.#host.pg.syncToFs();
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
