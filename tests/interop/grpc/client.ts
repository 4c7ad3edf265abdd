// A gRPC client on the runtime that starts it. It makes the calls that come in as lines and prints
// what came of each, as the clients in Go and Python do.
import { toJson as anyToJson } from "@bufbuild/protobuf";
import type { DescMethod, DescService, JsonValue, Message } from "@bufbuild/protobuf";
import {
  type CallOptions,
  ConnectError,
  createClient,
  decodeBinaryHeader,
  encodeBinaryHeader,
  type Transport,
} from "@connectrpc/connect";
import {
  compressionGzip,
  createGrpcTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { Buffer } from "node:buffer";
import process from "node:process";
import { text } from "node:stream/consumers";
import { decode, toJson } from "../../../contracts/mod.ts";
import * as services from "../../../gen/ts/cqc/services/v1/mod.ts";
import { brokenRules } from "../../../tools/vectors/vector.ts";
import type { Answer, Call } from "./_calls.ts";
import { errorDetails } from "./_details.ts";

type Stub = Record<string, (request: Message, options: CallOptions) => unknown>;

const sessions = new Map<string, Http2SessionManager>();

function transportTo(address: string, compress: boolean): Transport {
  const baseUrl = `http://${address}`;
  const sessionManager = sessions.get(address) ?? new Http2SessionManager(baseUrl);
  sessions.set(address, sessionManager);
  return createGrpcTransport({
    baseUrl,
    sessionManager,
    ...compress && { sendCompression: compressionGzip, compressMinBytes: 0 },
  });
}

const isBinary = (name: string): boolean => name.endsWith("-bin");

function headersOf(call: Call): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(call.metadata)) {
    headers.set(name, isBinary(name) ? encodeBinaryHeader(Buffer.from(value, "base64")) : value);
  }
  return headers;
}

function wanted(headers: Headers, names: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of names) {
    const value = headers.get(name);
    if (value === null) continue;
    const bytes = isBinary(name) ? Buffer.from(decodeBinaryHeader(value)) : undefined;
    found[name] = bytes?.toString("base64") ?? value;
  }
  return found;
}

function detailsOf(error: ConnectError): Record<string, JsonValue> {
  const found = error.findDetails(errorDetails);
  if (found.length !== error.details.length) throw new Error("A detail cannot be read");
  return Object.fromEntries(found.map((message) => {
    const type = errorDetails.getMessage(message.$typeName)!;
    const options = { registry: errorDetails, useProtoFieldName: true };
    return [message.$typeName, anyToJson(type, message, options)];
  }));
}

async function receive(
  call: Call,
  method: DescMethod,
  result: unknown,
  stop: () => void,
  take: (message: Message) => void,
): Promise<void> {
  if (method.methodKind !== "server_streaming") return take(await result as Message);
  let received = 0;
  for await (const message of result as AsyncIterable<Message>) {
    take(message);
    if (++received === call.take) stop();
  }
}

async function make(call: Call): Promise<Answer> {
  const service = (services as unknown as Record<string, DescService>)[call.service]!;
  const method = service.methods.find(({ name }) => name === call.method)!;
  const request = decode(method.input, new Uint8Array(Buffer.from(call.request, "base64")));
  const stub = createClient(service, transportTo(call.address, call.compress)) as unknown as Stub;
  const stopping = new AbortController();
  const messages: JsonValue[] = [];
  let header: Record<string, string> = {};
  let trailer: Record<string, string> = {};
  const answer = (code: number, error?: ConnectError): Answer => ({
    name: call.name,
    code,
    text: error?.rawMessage ?? "",
    messages,
    details: error === undefined ? {} : detailsOf(error),
    header,
    trailer: error === undefined ? trailer : wanted(error.metadata, call.names),
    rules: call.check ? brokenRules(method.input, request) : [],
  });
  try {
    const result = stub[method.localName]!(request, {
      headers: headersOf(call),
      signal: stopping.signal,
      ...call.timeoutMs > 0 && { timeoutMs: call.timeoutMs },
      onHeader: (headers) => header = wanted(headers, call.names),
      onTrailer: (headers) => trailer = wanted(headers, call.names),
    });
    const take = (message: Message): void => void messages.push(toJson(method.output, message));
    await receive(call, method, result, () => stopping.abort(), take);
    return answer(0);
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    return answer(error.code, error);
  }
}

for (const line of (await text(process.stdin)).trimEnd().split("\n")) {
  process.stdout.write(JSON.stringify(await make(JSON.parse(line) as Call)) + "\n");
}
for (const session of sessions.values()) session.abort();
