import type { DescEnum, DescExtension, DescMessage, FileRegistry } from "@bufbuild/protobuf";
import type { Comments } from "../schema/comments.ts";
import type { Schema } from "../schema/schema.ts";

/** A rule that OpenAPI 3.0 cannot state, or states in part. */
export interface LeftOut {
  /** Full name of the message. */
  readonly message: string;
  /** Field; empty for a rule of the message. */
  readonly field: string;
  /** Id of the rule, as violations name it. */
  readonly rule: string;
}

/** The contracts that documents are made from. */
export interface Contracts {
  /** All descriptors, linked. */
  readonly registry: FileRegistry;
  /** The option `google.api.http`. */
  readonly http: DescExtension;
  readonly comments: Comments;
}

/** One document while it is made: what its operations refer to. */
export interface DocumentContext extends Contracts {
  /** Messages that something refers to, by full name, in the order in which they were met. */
  readonly messages: Map<string, DescMessage>;
  /** The same for enums. */
  readonly enums: Map<string, DescEnum>;
  readonly leftOut: LeftOut[];
}

/** A reference to a message or an enum, which becomes a part of the document by it. */
export function reference(desc: DescMessage | DescEnum, context: DocumentContext): Schema {
  if (desc.kind === "enum") context.enums.set(desc.typeName, desc);
  else context.messages.set(desc.typeName, desc);
  return { $ref: `#/components/schemas/${desc.typeName}` };
}
