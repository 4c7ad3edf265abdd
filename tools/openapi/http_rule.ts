import { type DescMethod, getOption, hasOption } from "@bufbuild/protobuf";
import type { Contracts } from "./context.ts";

/** One way to call a method over HTTP. */
export interface Binding {
  /** Method of HTTP, in lower case. */
  readonly verb: string;
  /** Path with its variables in braces: `/v1/assets/{asset_id}`. */
  readonly path: string;
  /** Fields that stand in the path; those of a message in it with a point. */
  readonly pathFields: readonly string[];
  /** Field that is the body, `*` for all that is not in the path, empty for none. */
  readonly body: string;
  /** Field that is the answer; empty for all of it. */
  readonly responseBody: string;
}

/** google.api.HttpRule (google/api/http.proto), as its descriptor gives it. */
interface HttpRule {
  readonly pattern: { readonly case?: string; readonly value?: unknown };
  readonly body: string;
  readonly responseBody: string;
  readonly additionalBindings: readonly HttpRule[];
}

/** The ways to call a method; the first is the main one. */
export function bindingsOf(method: DescMethod, contracts: Contracts): Binding[] {
  if (!hasOption(method, contracts.http)) {
    throw new Error(`Cannot find google.api.http of ${method.parent.typeName}.${method.name}`);
  }
  const rule = getOption(method, contracts.http) as unknown as HttpRule;
  return [rule, ...rule.additionalBindings].map((each) => bindingOf(each, method.name));
}

function bindingOf({ pattern, body, responseBody }: HttpRule, name: string): Binding {
  const { case: kind, value } = pattern;
  if (kind === undefined) throw new Error(`Cannot find a path of ${name}`);
  const custom = value as { readonly kind: string; readonly path: string };
  const template = kind === "custom" ? custom.path : String(value);
  return {
    verb: (kind === "custom" ? custom.kind : kind).toLowerCase(),
    ...parseTemplate(template),
    body,
    responseBody,
  };
}

// A variable, with the segments that it stands for. OpenAPI has variables of one segment only.
const VARIABLE_REGEXP = /\{([^{}=]+)(?:=([^{}]*))?\}/g;

/**
 * Reads a path template.
 *
 * @param template As google/api/http.proto defines it.
 */
export function parseTemplate(template: string): Pick<Binding, "path" | "pathFields"> {
  const pathFields: string[] = [];
  const path = template.replaceAll(VARIABLE_REGEXP, (_, field: string, segments = "*") => {
    if (segments !== "*") {
      throw new Error(`Cannot write ${template} as a path: {${field}} is more than one segment`);
    }
    pathFields.push(field);
    return `{${field}}`;
  });
  if (!path.startsWith("/") || path.includes("*")) {
    throw new Error(`Cannot write ${template} as a path: a part of it has no name`);
  }
  return { path, pathFields };
}
