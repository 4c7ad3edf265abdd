/** A message as the protocol has it; `payload` is base64. */
export interface Message {
  readonly uuid: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly payload: string;
}

/** A request line. */
export type Request =
  & { readonly id?: unknown }
  & (
    | { readonly op: "new"; readonly group: string }
    | { readonly op: "init" | "subscribe"; readonly h: number; readonly topic: string }
    | {
      readonly op: "publish";
      readonly h: number;
      readonly topic: string;
      readonly msgs: readonly Message[];
    }
    | { readonly op: "ack" | "nack"; readonly sub: number; readonly d: number }
    | { readonly op: "cancel"; readonly sub: number }
    | { readonly op: "close"; readonly h: number }
    | {
      readonly op: "cacheSet";
      readonly key: string;
      readonly value: string;
      readonly ttl?: number;
    }
    | { readonly op: "cacheGet" | "cacheDelete"; readonly key: string }
  );

/** Writes an answer or a delivery. */
export type Reply = (message: Record<string, unknown>) => void;

type Kind = "string" | "number" | "list";
const BUS = { h: "number", topic: "string" } as const;
const DELIVERY = { sub: "number", d: "number" } as const;
const KEY = { key: "string" } as const;

const OPS: Readonly<Record<string, Readonly<Record<string, Kind>>>> = {
  new: { group: "string" },
  init: BUS,
  publish: { ...BUS, msgs: "list" },
  subscribe: BUS,
  ack: DELIVERY,
  nack: DELIVERY,
  cancel: { sub: "number" },
  close: { h: "number" },
  cacheSet: { ...KEY, value: "string" },
  cacheGet: KEY,
  cacheDelete: KEY,
};

/** Checks that a parsed line is a request. */
export function requireRequest(line: unknown): Request {
  const request = line as Request & Record<string, unknown>;
  if (typeof request !== "object" || request === null) throw new Error("Line is no object");
  const fields = Object.hasOwn(OPS, String(request.op)) ? OPS[request.op] : undefined;
  if (fields === undefined) throw new Error(`Unknown op ${JSON.stringify(request.op)}`);
  const wrong = Object.entries(fields).filter(([field, kind]) => kindOf(request[field]) !== kind);
  if (wrong.length > 0) {
    const wanted = wrong.map(([field, kind]) => `${field} (a ${kind})`);
    throw new Error(`${request.op} lacks ${wanted.join(", ")}`);
  }
  return request;
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? "list" : typeof value;
}

/** The bytes of a base64 text; what is none is refused, where `Buffer` would drop it. */
export function bytesIn(field: string, text: string): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.from(text, "base64");
  const bare = (base64: string): string => base64.replace(/=+$/, "");
  if (bare(bytes.toString("base64")) !== bare(text)) throw new Error(`${field} is no base64`);
  return new Uint8Array(bytes);
}

/**
 * Gives each line of a stream to a function. Lines end in a line feed and in nothing else: JSON may
 * hold U+2028 as it is, where readline would cut it.
 *
 * @param ended Called after the last line.
 */
export function onLines(
  input: NodeJS.ReadableStream,
  take: (line: string) => void,
  ended: () => void = () => {},
): void {
  let rest = "";
  input.setEncoding("utf8");
  input.on("data", (chunk: string | Buffer) => {
    const lines = `${rest}${chunk}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") take(line);
  });
  input.on("end", () => {
    if (rest !== "") take(rest);
    ended();
  });
}
