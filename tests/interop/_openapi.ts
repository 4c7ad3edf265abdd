import type { JsonValue } from "@bufbuild/protobuf";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { decode, toJson } from "../../contracts/mod.ts";
import { fromLine, typeOf } from "../../tools/vectors/vector.ts";
import { ROOT } from "./_run.ts";

type JsonObject = { [key: string]: JsonValue };

/** The part of an OpenAPI document that the tests read. */
export interface Document {
  readonly paths: Record<string, Record<string, Operation>>;
}

interface Operation {
  readonly operationId: string;
  readonly requestBody?: unknown;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
}

/** The committed documents by service. */
export const documents: Readonly<Record<string, Document>> = Object.fromEntries(
  readdirSync(join(ROOT, "gen", "openapi")).sort().map((file) => {
    const text = readFileSync(join(ROOT, "gen", "openapi", file), "utf8");
    return [file.replace(/\.json$/, ""), JSON.parse(text) as Document];
  }),
);

/** A request over HTTP, as the checker takes it. */
export interface HttpRequest {
  readonly document: string;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, readonly string[]>>;
  readonly body: JsonValue | null;
}

/** A golden vector of a request, and the request that it is over HTTP. */
export interface Case {
  /** Message and name of the vector. */
  readonly name: string;
  /** Rules that it breaks, each as "field rule"; none for a valid one. */
  readonly rules: readonly string[];
  readonly request: HttpRequest;
}

/** The vectors of all requests that can be decoded. A request without its path is none. */
export function cases(): { cases: Case[]; pathless: string[] } {
  const operations = new Map<string, Target>(
    Object.entries(documents).flatMap(([document, { paths }]) =>
      Object.entries(paths).flatMap(([path, item]) =>
        Object.entries(item).map(([method, operation]) =>
          [
            `cqc.services.v1.${operation.operationId.split("_")[1]}Request`,
            { document, path, method, operation },
          ] as const
        )
      )
    ),
  );
  const found: Case[] = [];
  const pathless: string[] = [];
  const text = readFileSync(join(ROOT, "testdata", "vectors", "services.jsonl"), "utf8");
  for (const line of text.trimEnd().split("\n")) {
    const { type, name, bytes, rules } = fromLine(line);
    const target = operations.get(type);
    if (target === undefined || rules === undefined) continue;
    const message = decode(typeOf(type), bytes);
    const request = requestOf(target, toJson(typeOf(type), message) as JsonObject);
    if (request === undefined) pathless.push(`${type} ${name}`);
    else found.push({ name: `${type} ${name}`, rules, request });
  }
  return { cases: found, pathless };
}

interface Target {
  readonly document: string;
  readonly path: string;
  readonly method: string;
  readonly operation: Operation;
}

/** Splits a message into path, query and body; undefined when a part of the path is missing. */
function requestOf(
  { document, path, method, operation }: Target,
  json: JsonObject,
): HttpRequest | undefined {
  const rest = { ...json };
  const names = [...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1]!);
  let filled = path;
  for (const name of names) {
    const value = rest[name];
    if (value === undefined || value === "") return undefined;
    filled = filled.replace(`{${name}}`, () => encodeURIComponent(String(value)));
    delete rest[name];
  }
  const hasBody = operation.requestBody !== undefined;
  return {
    document,
    method,
    path: filled,
    query: hasBody ? {} : Object.fromEntries(queryOf(rest, "")),
    body: hasBody ? rest : null,
  };
}

/** Fields as google/api/http.proto puts them into a query: repeated names, points for messages. */
function queryOf(json: JsonObject, prefix: string): [string, string[]][] {
  return Object.entries(json).flatMap(([name, value]): [string, string[]][] => {
    if (Array.isArray(value)) return [[prefix + name, value.map(String)]];
    if (typeof value === "object" && value !== null) return queryOf(value, `${prefix}${name}.`);
    return [[prefix + name, [String(value)]]];
  });
}
