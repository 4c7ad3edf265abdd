import { messageOf } from "../errors/mod.ts";
import type { ValueWriter } from "./_value.ts";

const MAX_CAUSES = 8;
const MAX_TYPE = 256;
const MAX_CODE = 128;

/** Whether a value is an error, of this realm or another. */
export function isError(value: unknown): boolean {
  return value instanceof Error || Object.prototype.toString.call(value) === "[object Error]";
}

function read(error: object, key: string): unknown {
  try {
    return (error as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

/** Class of an error: its name, which ours and the platform's set, or that of its constructor. */
function typeOf(error: object): string {
  const name = read(error, "name");
  if (typeof name === "string" && name !== "") return name.slice(0, MAX_TYPE);
  return "Error";
}

function messageText(error: object): string {
  const message = read(error, "message");
  return typeof message === "string" ? message : "";
}

function stackOf(error: object): string {
  const stack = read(error, "stack");
  return typeof stack === "string" && stack !== ""
    ? stack
    : `${typeOf(error)}: ${messageText(error)}`;
}

// What has neither stack nor message is somebody's plain object: it says more as JSON.
function isLikeError(value: object): boolean {
  return isError(value) || typeof read(value, "stack") === "string" ||
    typeof read(value, "message") === "string";
}

/** The stacks of an error and its causes and parts, nearest first, each error once. */
function fullStack(error: object, writer: ValueWriter): string {
  const seen = new Set<unknown>();
  const parts: string[] = [];
  const visit = (value: unknown, label: string): void => {
    if (value === undefined || seen.has(value) || seen.size >= MAX_CAUSES) return;
    seen.add(value);
    if (typeof value !== "object" || value === null) {
      parts.push(label + messageOf(value));
      return;
    }
    parts.push(label + (isLikeError(value) ? stackOf(value) : writer.write(value) ?? "an object"));
    visit(read(value, "cause"), "Caused by: ");
    const inner = read(value, "errors");
    if (!Array.isArray(inner)) return;
    for (let i = 0; i < Math.min(inner.length, MAX_CAUSES); i++) visit(inner[i], "With: ");
  };
  visit(error, "");
  return parts.join("\n");
}

function codeOf(error: object): string | undefined {
  const code = read(error, "code");
  if (typeof code === "number") return String(code);
  return typeof code === "string" && code !== "" ? code.slice(0, MAX_CODE) : undefined;
}

/**
 * The JSON of an error, in the form of `cqc.observability.v1.LogError`: class, message, code,
 * whether a retry may help, and the stacks of it and its causes.
 */
export function errorJson(value: unknown, writer: ValueWriter): string {
  const error = value as object;
  let json = `{"type":${writer.text(typeOf(error))},"message":${writer.text(messageText(error))}`;
  const code = codeOf(error);
  if (code !== undefined) json += `,"code":${writer.text(code)}`;
  const retryable = read(error, "retryable");
  if (typeof retryable === "boolean") json += `,"retryable":${retryable}`;
  return `${json},"stack":${writer.text(fullStack(error, writer))}}`;
}
