// One statement over a connection of its own, in PostgreSQL's protocol itself: starters make and
// drop databases without any client library.

import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { systemClock } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";

/** Where a server is, and as whom to speak to it. */
export interface Place {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

const LIMIT_MS = 10_000;
const PROTOCOL_VERSION = 196_608;

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** A message: its letter (none for the first of a connection), length and content. */
function message(letter: string, content: Buffer | string): Buffer {
  const body = Buffer.from(content);
  return Buffer.concat([Buffer.from(letter), int32(body.length + 4), body]);
}

function hmac(key: Buffer | string, text: Buffer | string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

/** The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding. */
class Scram {
  readonly #nonce = randomBytes(18).toString("base64");

  first(): Buffer {
    const text = Buffer.from(`n,,n=,r=${this.#nonce}`);
    return message("p", Buffer.concat([Buffer.from("SCRAM-SHA-256\0"), int32(text.length), text]));
  }

  final(challenge: string, password: string): Buffer {
    const part = (name: string): string =>
      challenge.split(",").find((each) => each.startsWith(`${name}=`))?.slice(2) ?? "";
    const salted = pbkdf2Sync(
      password.normalize("NFKC"),
      Buffer.from(part("s"), "base64"),
      Number(part("i")),
      32,
      "sha256",
    );
    const clientKey = hmac(salted, "Client Key");
    const withoutProof = `c=biws,r=${part("r")}`;
    const signed = `n=,r=${this.#nonce},${challenge},${withoutProof}`;
    const signature = hmac(createHash("sha256").update(clientKey).digest(), signed);
    const proof = clientKey.map((byte, i) => byte ^ signature[i]!);
    return message("p", `${withoutProof},p=${Buffer.from(proof).toString("base64")}`);
  }
}

/** Answers the server's demand for a login; undefined when none is wanted. */
function login(scram: Scram, body: Buffer, password: string): Buffer | undefined {
  switch (body.readInt32BE(0)) {
    case 0:
    case 12:
      return undefined;
    case 3:
      return message("p", `${password}\0`);
    case 10:
      return scram.first();
    case 11:
      return scram.final(body.toString("utf8", 4), password);
    default:
      throw new CqiError("CQI_FEATURE_UNSUPPORTED", "Cannot log in: only SCRAM-SHA-256 is known");
  }
}

/** What an ErrorResponse says; the code first. */
function errorOf(body: Buffer): CqiError {
  const fields = new Map(body.toString().split("\0").map((field) => [field[0], field.slice(1)]));
  return new CqiError(
    "CQI_UNAVAILABLE",
    `PostgreSQL refused: ${fields.get("M") ?? "no reason"} (${fields.get("C") ?? "no code"})`,
    { details: { sqlstate: fields.get("C") } },
  );
}

/**
 * Runs one statement in the database `postgres`.
 *
 * @param place The server.
 * @param statement SQL.
 * @throws {CqiError} `CQI_UNAVAILABLE` with the server's reason, or when it cannot be reached.
 */
export function administer(place: Place, statement: string): Promise<void> {
  const { host, port, user, password } = place;
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(port, host);
    const fail = (error: unknown): void => {
      settle();
      reject(error);
    };
    const timer = systemClock.timer(
      () => fail(new CqiError("CQI_UNAVAILABLE", "Cannot reach PostgreSQL: no answer in time")),
      LIMIT_MS,
    );
    const settle = (): void => {
      timer.cancel();
      socket.destroy();
    };
    const scram = new Scram();
    let isSent = false;
    let failure: CqiError | undefined;
    let pending: Buffer = Buffer.alloc(0);
    const take = (letter: string, body: Buffer): void => {
      if (letter === "R") {
        const answer = login(scram, body, password);
        if (answer !== undefined) socket.write(answer);
      } else if (letter === "E") failure = errorOf(body);
      else if (letter === "Z" && !isSent) {
        isSent = true;
        socket.write(message("Q", `${statement}\0`));
      } else if (letter === "Z") {
        socket.write(message("X", ""));
        settle();
        if (failure === undefined) resolve();
        else reject(failure);
      }
    };
    socket.on("connect", () => {
      const parameters = `user\0${user}\0database\0postgres\0\0`;
      socket.write(
        message("", Buffer.concat([int32(PROTOCOL_VERSION), Buffer.from(parameters)])),
      );
    });
    socket.on("data", (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= 5 && pending.length > pending.readInt32BE(1)) {
        const end = 1 + pending.readInt32BE(1);
        const body = pending.subarray(5, end);
        const letter = String.fromCharCode(pending[0]!);
        pending = pending.subarray(end);
        try {
          take(letter, body);
        } catch (error) {
          fail(error);
        }
      }
    });
    socket.on("error", (error) =>
      fail(
        new CqiError("CQI_UNAVAILABLE", `Cannot reach PostgreSQL: ${error.message}`, {
          cause: error,
        }),
      ));
    socket.on(
      "close",
      () => fail(failure ?? new CqiError("CQI_UNAVAILABLE", "PostgreSQL closed the connection")),
    );
  });
}
