import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Secret } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import { validate } from "../contracts/mod.ts";
import { type SecretRef, SecretRefSchema } from "../gen/ts/cqc/config/v1/mod.ts";

/** A `cqc.config.v1.SecretRef`, or the short form that sections of `fields` give. */
export type SecretRefInit =
  | MessageInitShape<typeof SecretRefSchema>
  | { readonly env: string }
  | { readonly file: string };

/** How a secret is read. */
export interface ResolveSecretOptions {
  /** Variables to read from. @default {the environment's} */
  readonly variables?: Readonly<Record<string, string | undefined>>;
  /** Folders that a secret file must lie in, links followed. @default {any} */
  readonly folders?: readonly string[];
  /** Ends the wait. */
  readonly signal?: AbortSignal;
}

/** Largest secret in bytes. */
const MAX_BYTES = 1 << 16;

/**
 * Reads a secret from where a reference says: a variable, or a file (one newline at its end is cut
 * off). With `key` the text is JSON and the field of that name is taken.
 *
 * @param ref Where it lies.
 * @param options Variables and folders.
 * @throws {CqiError} `CQI_CONFIG_INVALID` when it is not there, is empty or cannot be read;
 * `CQI_FEATURE_UNSUPPORTED` for Vault and AWS, which need a secrets driver.
 *
 * @example
 * ```ts
 * import { resolveSecret } from "@cq/cqi/config";
 * import assert from "node:assert/strict";
 *
 * const password = await resolveSecret({ env: "DB_PASSWORD" }, {
 *   variables: { DB_PASSWORD: "hunter2" },
 * });
 * assert.equal(String(password), "[redacted]");
 * assert.equal(password.reveal(), "hunter2");
 * ```
 */
export async function resolveSecret(
  ref: SecretRefInit,
  options: ResolveSecretOptions = {},
): Promise<Secret> {
  options.signal?.throwIfAborted();
  const message = create(SecretRefSchema, initOf(ref));
  validate(SecretRefSchema, message);
  const text = await read(message, options);
  options.signal?.throwIfAborted();
  const value = message.key === "" ? text : fieldOf(text, message);
  if (value === "") throw failure(message, "it is empty");
  return new Secret(value);
}

function initOf(ref: SecretRefInit): MessageInitShape<typeof SecretRefSchema> {
  if ("env" in ref) return { valueSource: { case: "env", value: ref.env } };
  if ("file" in ref) return { valueSource: { case: "file", value: ref.file } };
  return ref;
}

async function read(ref: SecretRef, options: ResolveSecretOptions): Promise<string> {
  const { valueSource, version } = ref;
  if (version !== "") {
    throw unsupported("a version of a secret", "variables and files have one version only");
  }
  switch (valueSource.case) {
    case "env": {
      const value = await variable(valueSource.value, options, ref);
      if (value === undefined) throw failure(ref, "it is not set");
      return value;
    }
    case "file": {
      const { readTextFile } = await import("../internal/runtime/files.ts");
      const bounds = { maxBytes: MAX_BYTES, within: options.folders };
      const result = await readTextFile(valueSource.value, bounds);
      if (result.kind === "read") return result.text.replace(/\r?\n$/, "");
      throw failure(ref, result.kind === "missing" ? "it is missing" : result.reason);
    }
    default:
      throw unsupported(
        `a secret from '${valueSource.case}'`,
        "only variables ('env') and files ('file') are read here",
      );
  }
}

async function variable(
  name: string,
  options: ResolveSecretOptions,
  ref: SecretRef,
): Promise<string | undefined> {
  if (options.variables !== undefined) {
    return Object.hasOwn(options.variables, name) ? options.variables[name] : undefined;
  }
  const { readVariable } = await import("../internal/runtime/environment.ts");
  try {
    return readVariable(name);
  } catch (error) {
    throw failure(ref, "reading it is not permitted", error);
  }
}

function fieldOf(text: string, ref: SecretRef): string {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The error's text would show the beginning of the secret.
    throw failure(ref, `it is not JSON, so it has no field '${ref.key}'`);
  }
  const isObject = typeof json === "object" && json !== null && Object.hasOwn(json, ref.key);
  const value = isObject ? (json as Record<string, unknown>)[ref.key] : undefined;
  if (typeof value !== "string") throw failure(ref, `it has no text in a field '${ref.key}'`);
  return value;
}

function failure(ref: SecretRef, reason: string, cause?: unknown): CqiError {
  const { case: kind, value } = ref.valueSource;
  const what = kind === "env" ? `environment variable '${value}'` : `file '${String(value)}'`;
  return new CqiError("CQI_CONFIG_INVALID", `Cannot read the secret in ${what}: ${reason}`, {
    details: { problems: [{ path: "", source: String(value), message: reason }] },
    ...(cause === undefined ? {} : { cause }),
  });
}

function unsupported(what: string, why: string): CqiError {
  return new CqiError("CQI_FEATURE_UNSUPPORTED", `Cannot read ${what}: ${why}`);
}
