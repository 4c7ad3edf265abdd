import type { DescMessage, DescService } from "@bufbuild/protobuf";
import type { Schema } from "../schema/schema.ts";
import type { Contracts, DocumentContext, LeftOut } from "./context.ts";
import { errorResponses, errorSchemas } from "./errors.ts";
import { bindingsOf } from "./http_rule.ts";
import { enumValues, messageSchema } from "./messages.ts";
import { type Body, operationOf } from "./operation.ts";

/** The document of a service, and what it could not say. */
export interface Document {
  readonly document: Schema;
  readonly leftOut: readonly LeftOut[];
}

/**
 * Makes the OpenAPI 3.0 document of a service.
 *
 * @param service The service.
 * @param contracts All contracts.
 */
export function documentOf(service: DescService, contracts: Contracts): Document {
  const context: DocumentContext = {
    ...contracts,
    messages: new Map(),
    enums: new Map(),
    leftOut: [],
  };
  const paths: Record<string, Record<string, Schema>> = {};
  const bodies: Body[] = [];
  for (const method of service.methods) {
    for (const [index, binding] of bindingsOf(method, contracts).entries()) {
      const { schema, body } = operationOf(method, binding, index, context);
      const item = paths[binding.path] ??= {};
      if (binding.verb in item) throw new Error(`Cannot use ${binding.verb} ${binding.path} twice`);
      item[binding.verb] = schema;
      if (body !== undefined) bodies.push(body);
    }
  }
  const text = contracts.comments.get(service.typeName)?.text ?? "";
  return {
    leftOut: context.leftOut,
    document: {
      openapi: "3.0.3",
      info: {
        title: service.name,
        version: service.file.proto.package.split(".").at(-1)!,
        description: text,
        license: { name: "MIT", url: "https://opensource.org/license/mit" },
      },
      servers: [{ url: "/" }],
      tags: [{ name: service.name, description: text }],
      security: [{ apiKey: [] }, { bearer: [] }],
      paths,
      components: {
        schemas: componentSchemas(service, bodies, context),
        responses: errorResponses(),
        securitySchemes: {
          apiKey: { type: "apiKey", in: "header", name: "x-api-key" },
          bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" },
        },
      },
    },
  };
}

function componentSchemas(
  service: DescService,
  bodies: readonly Body[],
  context: DocumentContext,
): Schema {
  const answers = reachable(service.methods.map((method) => method.output));
  const schemas = new Map(Object.entries(errorSchemas()));
  for (const { name, desc, without } of bodies) {
    schemas.set(name, messageSchema(desc, context, { without, closed: true }));
  }
  // Grows while it is gone through: messages refer to further ones.
  for (const [name, desc] of context.messages) {
    // What answers bring stays open, so that today's readers take tomorrow's fields.
    schemas.set(name, messageSchema(desc, context, { closed: !answers.has(name) }));
  }
  for (const [name, desc] of context.enums) schemas.set(name, enumValues(desc, context));
  return Object.fromEntries([...schemas].sort(([a], [b]) => a < b ? -1 : 1));
}

/** Names of some messages and of all that they hold. */
function reachable(roots: readonly DescMessage[]): ReadonlySet<string> {
  const names = new Set<string>();
  const queue = [...roots];
  for (let desc = queue.pop(); desc !== undefined; desc = queue.pop()) {
    if (names.has(desc.typeName)) continue;
    names.add(desc.typeName);
    for (const field of desc.fields) if (field.message !== undefined) queue.push(field.message);
  }
  return names;
}
