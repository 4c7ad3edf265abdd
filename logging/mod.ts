/**
 * Logging: one JSON object a line, each a valid `cqc.observability.v1.LogEntry`, with the ids of
 * the active span, the fields of the context, and no secrets.
 *
 * @example Log
 * ```ts
 * import * as logging from "@cq/cqi/logging";
 * import assert from "node:assert/strict";
 *
 * const lines: string[] = [];
 * const sink = {
 *   write: (line: string) => void lines.push(line),
 *   flush: () => Promise.resolve(),
 *   close: () => Promise.resolve(),
 * };
 * await using log = await logging.open({ level: "info" }, { service: { name: "cqpm" }, sink });
 * log.info("Order placed", { user_id: "u-1", quantity: 7n, password: "hunter2" });
 *
 * const { message, user_id, attributes } = JSON.parse(lines[0]!);
 * assert.deepEqual({ message, user_id, attributes }, {
 *   message: "Order placed",
 *   user_id: "u-1",
 *   attributes: { quantity: "7", password: "[redacted]" },
 * });
 * ```
 *
 * @module
 */
export { accessLog, type AccessLogOptions } from "./access_log.ts";
export { consoleSink, type ConsoleSinkOptions } from "./console_sink.ts";
export { type LogConfigInit, open } from "./open.ts";
export type {
  LogService,
  LogSink,
  LogThreshold,
  OpenLogger,
  OpenOptions,
  SetLevelOptions,
} from "./types.ts";
