import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { Files } from "./gen_files.ts";
import type { LeftOut } from "./openapi/context.ts";
import { documentOf } from "./openapi/document.ts";
import { commentsOf } from "./schema/comments.ts";

/** The documents of all services. */
export interface OpenApi {
  /** The files of gen/openapi. */
  readonly files: Files;
  /** What they cannot say: rules that OpenAPI 3.0 has no keyword for. */
  readonly leftOut: readonly LeftOut[];
}

/**
 * Makes an OpenAPI 3.0 document for each service.
 *
 * @param image The descriptor image with the comments of our own files.
 */
export function generateOpenApi(image: Uint8Array): OpenApi {
  const set = fromBinary(FileDescriptorSetSchema, image);
  const registry = createFileRegistry(set);
  const http = registry.getExtension("google.api.http");
  if (http === undefined) throw new Error("Cannot find google.api.http in the descriptor image");
  const contracts = {
    registry,
    http,
    comments: commentsOf(set.file.filter((file) => file.name.startsWith("cqc/"))),
  };
  const files = new Map<string, Uint8Array>();
  const leftOut: LeftOut[] = [];
  const services = [...registry.files].flatMap((file) => file.services);
  for (const service of services.filter((each) => each.typeName.startsWith("cqc."))) {
    const made = documentOf(service, contracts);
    // JSON, which is YAML: texts such as times and `off` mean the same to every reader of either.
    const text = `${JSON.stringify(made.document, undefined, 2)}\n`;
    files.set(`${fileName(service.name)}.json`, new TextEncoder().encode(text));
    leftOut.push(...made.leftOut);
  }
  return { files, leftOut };
}

const fileName = (name: string): string =>
  name.replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
