// A gRPC server on the runtime that starts it. It prints a line when it listens, and one for each
// call that ends because its caller gave up; SIGTERM stops it.
import { equals } from "@bufbuild/protobuf";
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  type HandlerContext,
  type ServiceImpl,
} from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { decode } from "../../../contracts/mod.ts";
import { CqiError } from "../../../errors/mod.ts";
import {
  AssetRegistry,
  MarketData,
  Portfolio,
  RiskEngine,
  VenueGateway,
} from "../../../gen/ts/cqc/services/v1/mod.ts";
import { fromLine, type Vector } from "../../../tools/vectors/vector.ts";
import { answerErrors, validateRequests } from "./_errors.ts";
import {
  MARKETS,
  priceAt,
  pricePayload,
  RETRY_MS,
  sequenceOf,
  STREAMED,
  subscribed,
  wholeStream,
} from "./_scenarios.ts";

const print = (line: unknown): void => void process.stdout.write(JSON.stringify(line) + "\n");

function notFound(marketId: string): CqiError {
  return new CqiError("CQI_NOT_FOUND", "Cannot find the market", {
    details: {
      reason: "MARKET_NOT_FOUND",
      resourceType: "cqc.markets.v1.Market",
      resourceName: marketId,
    },
  });
}

/** Waits until the caller gives up, and says so. */
async function wait(call: string, context: HandlerContext): Promise<never> {
  const { signal } = context;
  print({ event: "waiting", call, deadline: context.timeoutMs() !== undefined });
  if (!signal.aborted) await once(signal, "abort");
  print({ event: "ended", call });
  throw signal.reason;
}

/** Gives the metadata back. */
function echo(context: HandlerContext): void {
  const id = context.requestHeader.get("x-request-id");
  if (id !== null) context.responseHeader.set("x-request-id", id);
  const bytes = context.requestHeader.get("x-echo-bin");
  if (bytes !== null) context.responseTrailer.set("x-echo-bin", bytes);
}

const marketData: Partial<ServiceImpl<typeof MarketData>> = {
  async getPrice({ selector }, context) {
    echo(context);
    const marketId = selector.case === "marketId" ? selector.value : "";
    switch (marketId) {
      case MARKETS.priced:
        return { price: priceAt(marketId, 1) };
      case MARKETS.slow:
        return await wait("GetPrice", context);
      case MARKETS.stale:
        throw new CqiError("CQI_UNAVAILABLE", "Cannot give a fresh price", {
          retryAfterMs: RETRY_MS,
          details: { reason: "STALE_MARKET_DATA" },
        });
      case MARKETS.broken:
        throw new Error("password is swordfish");
      default:
        throw notFound(marketId);
    }
  },
  listPrices({ marketId, pageSize }, context) {
    echo(context);
    const prices = Array.from({ length: pageSize }, (_, index) => priceAt(marketId, index + 1));
    return { prices, nextPageToken: "next" };
  },
  async *streamPrices({ marketIds, resumeToken }, context) {
    echo(context);
    const [marketId = ""] = marketIds;
    const after = sequenceOf(resumeToken);
    if (marketId === MARKETS.priced) return yield* wholeStream(marketId, after);
    if (marketId === MARKETS.unknown) throw notFound(marketId);
    yield subscribed(marketId, after);
    if (marketId === MARKETS.slow) await wait("StreamPrices", context);
    const endless = marketId === MARKETS.endless;
    try {
      for (let sequence = 1; endless || sequence <= 2; sequence++) {
        context.signal.throwIfAborted();
        yield pricePayload(marketId, sequence);
      }
    } finally {
      if (endless) print({ event: "ended", call: "StreamPrices" });
    }
    throw new CqiError("CQI_UNAVAILABLE", "Cannot go on: the venue is gone", {
      retryAfterMs: RETRY_MS,
      details: { reason: "VENUE_UNAVAILABLE" },
    });
  },
};

const SERVICES: readonly DescService[] = [
  AssetRegistry,
  MarketData,
  Portfolio,
  RiskEngine,
  VenueGateway,
];

function readVectors(): ReadonlyMap<string, readonly Vector[]> {
  const file = new URL("../../../testdata/vectors/services.jsonl", import.meta.url);
  const valid = readFileSync(file, "utf8").trimEnd().split("\n").map(fromLine)
    .filter((vector) => vector.rules?.length === 0);
  return Map.groupBy(valid, (vector) => vector.type);
}

/** Takes a full request, and answers with the full response, or with all valid ones as a stream. */
function byVector(
  method: DescMethod,
  vectors: ReadonlyMap<string, readonly Vector[]>,
): (request: never, context: HandlerContext) => unknown {
  const full = (name: string): Vector => vectors.get(name)!.find((each) => each.name === "full")!;
  const { input, output } = method;
  const wanted = decode(input, full(input.typeName).bytes);
  const check = (request: typeof wanted): void => {
    if (!equals(input, request, wanted)) {
      throw new ConnectError("The request has changed on its way", Code.DataLoss);
    }
  };
  if (method.methodKind === "server_streaming") {
    return async function* (request: typeof wanted) {
      check(request);
      for (const vector of vectors.get(output.typeName)!) yield decode(output, vector.bytes);
    };
  }
  return (request: typeof wanted) => {
    check(request);
    return decode(output, full(output.typeName).bytes);
  };
}

function allByVectors(router: ConnectRouter): void {
  const vectors = readVectors();
  for (const service of SERVICES) {
    const handlers = service.methods.map((method) => [method.localName, byVector(method, vectors)]);
    router.service(service, Object.fromEntries(handlers));
  }
}

/**
 * Lets go of a write that waits for a client that has gone. On Deno and Bun nothing else does, and
 * the handler would stand still for good.
 */
function releaseOnClose(request: Http2ServerRequest, response: Http2ServerResponse): void {
  request.once("close", () => {
    if (response.listenerCount("error") > 0) response.emit("error", new Error("Client is gone"));
  });
}

async function listen(routes: (router: ConnectRouter) => void): Promise<[string, () => void]> {
  const interceptors = [answerErrors, validateRequests];
  const handle = connectNodeAdapter({ routes, interceptors });
  const server = createServer((request, response) => {
    releaseOnClose(request, response);
    handle(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return [`127.0.0.1:${port}`, () => void server.close()];
}

const [scenarios, closeScenarios] = await listen((router) =>
  void router.service(MarketData, marketData)
);
const [vectors, closeVectors] = await listen(allByVectors);
process.once("SIGTERM", () => {
  closeScenarios();
  closeVectors();
  print({ event: "closing" });
});
print({ event: "listening", scenarios, vectors, streamed: STREAMED });
