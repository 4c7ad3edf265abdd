import type { DescMessage } from "@bufbuild/protobuf";
import { isFieldError } from "@bufbuild/protobuf/reflect";
import { CqiError } from "../errors/mod.ts";

// protobuf-es names the place first: "cannot decode field cqc.x.v1.Y.z from JSON: …".
const PLACE = /^cannot (?:en|de)code (?:message|field|oneof|enum) ([\w.]{1,512}) (?:from|to) /;
const UNKNOWN_KEY = /: key "([^"]{1,64})" is unknown$/;

/** Where in a message a failure of protobuf-es lies, without the value that its text may show. */
function placeOf(error: unknown): string | undefined {
  if (isFieldError(error)) return error.field().toString().replace(/^\w+ /, "");
  const message = error instanceof Error ? error.message : "";
  // Only the beginning is read: the rest may be as long as the input.
  return PLACE.exec(message.slice(0, 600))?.[1];
}

/**
 * Error for bytes or JSON that are not the message. Its text and details name the place and never
 * the value, which may be a secret; so the error of protobuf-es, which shows it, is not its cause.
 */
export function decodeError(schema: DescMessage, form: "bytes" | "JSON", error: unknown): CqiError {
  const place = placeOf(error) ?? schema.typeName;
  const text = error instanceof Error ? error.message : "";
  const key = text.length < 1024 ? UNKNOWN_KEY.exec(text)?.[1] : undefined;
  const reason = form === "bytes"
    ? "they are truncated, malformed or nested too deep"
    : key !== undefined
    ? `it has no field '${key}'`
    : /maximum recursion depth/.test(text.slice(0, 600))
    ? "it is nested too deep"
    : "a value has the wrong type or form";
  return new CqiError(
    "CQI_CONTRACT_DECODE",
    `Cannot decode ${schema.typeName} from ${form}` +
      (place === schema.typeName ? "" : ` at ${place}`) + `: ${reason}`,
    { details: { type: schema.typeName, place, ...(key === undefined ? {} : { unknown: key }) } },
  );
}

/** Error for a message object that cannot be written, for example with a number in a text field. */
export function encodeError(schema: DescMessage, form: "bytes" | "JSON", error: unknown): CqiError {
  const place = placeOf(error) ?? schema.typeName;
  return new CqiError(
    "CQI_CONTRACT_INVALID",
    `Cannot encode ${schema.typeName} to ${form} at ${place}: a value has the wrong type or range`,
    { details: { type: schema.typeName, violations: [], place } },
  );
}
