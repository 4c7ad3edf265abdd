// Errors of handlers as gRPC sends them: a status, a text that tells nothing, and details.
import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { type Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { validate, type Violation } from "../../../contracts/mod.ts";
import { CqiError, grpcStatusOf, type StatusCode } from "../../../errors/mod.ts";
import { errorDetails } from "./_details.ts";

/** Reasons (`cqc.infrastructure.v1.ErrorReason`) of errors that do not say theirs. */
const REASONS: Readonly<Partial<Record<StatusCode, string>>> = {
  INVALID_ARGUMENT: "CONTRACT_VIOLATION",
  NOT_FOUND: "ENTITY_NOT_FOUND",
  UNAVAILABLE: "DEPENDENCY_UNAVAILABLE",
};

interface Detail {
  readonly desc: DescMessage;
  readonly value: MessageInitShape<DescMessage>;
}

function detail(name: string, value: object): Detail {
  return { desc: errorDetails.getMessage(`google.rpc.${name}`)!, value: value as Detail["value"] };
}

function detailsOf(error: CqiError): Detail[] {
  const { reason, resourceType, resourceName, violations } = error.details;
  const metadata = { code: error.code };
  const found = [
    detail("ErrorInfo", {
      reason: typeof reason === "string" ? reason : REASONS[error.status] ?? "INTERNAL",
      domain: "cqc",
      metadata,
    }),
  ];
  if (Array.isArray(violations)) {
    const fieldViolations = (violations as Violation[])
      .map(({ field, rule, message }) => ({ field, reason: rule, description: message }));
    found.push(detail("BadRequest", { fieldViolations }));
  }
  if (typeof resourceName === "string") {
    found.push(detail("ResourceInfo", { resourceType, resourceName }));
  }
  if (error.retryAfterMs !== undefined) {
    found.push(detail("RetryInfo", { retryDelay: durationFromMs(error.retryAfterMs) }));
  }
  return found;
}

function toConnectError(caught: unknown, signal: AbortSignal): ConnectError {
  if (signal.aborted && signal.reason instanceof ConnectError) return signal.reason;
  if (caught instanceof ConnectError) return caught;
  const error = CqiError.from(caught);
  const text = error.status === "INTERNAL" ? "INTERNAL" : error.message;
  const code: Code = grpcStatusOf(error.status);
  return new ConnectError(text, code, undefined, detailsOf(error), caught);
}

async function* mapErrors<T>(messages: AsyncIterable<T>, signal: AbortSignal): AsyncIterable<T> {
  try {
    yield* messages;
  } catch (error) {
    throw toConnectError(error, signal);
  }
}

/** Turns what handlers throw into what gRPC sends. */
export const answerErrors: Interceptor = (next) => async (request) => {
  try {
    const response = await next(request);
    return response.stream
      ? { ...response, message: mapErrors(response.message, request.signal) }
      : response;
  } catch (error) {
    throw toConnectError(error, request.signal);
  }
};

async function* checkEach<Desc extends DescMessage>(
  schema: Desc,
  messages: AsyncIterable<Parameters<typeof validate<Desc>>[1]>,
): AsyncIterable<Parameters<typeof validate<Desc>>[1]> {
  for await (const message of messages) {
    validate(schema, message);
    yield message;
  }
}

/** Lets only messages pass that keep the rules of the contracts. */
export const validateRequests: Interceptor = (next) => async (request) => {
  if (request.stream) {
    return await next({ ...request, message: checkEach(request.method.input, request.message) });
  }
  validate(request.method.input, request.message);
  return await next(request);
};
