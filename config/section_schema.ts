import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { StandardSchema } from "../core/mod.ts";

/** What describes a section: a message of the contracts or one's own, or a Standard Schema. */
export type SectionSchema = DescMessage | StandardSchema<unknown, unknown>;

/** A service's own sections, by their names in files. */
export type Sections = Readonly<Record<string, SectionSchema>>;

/** What a section gives: the message, or what its schema makes of it. */
export type SectionOutput<S> = S extends StandardSchema<infer _Input, infer Output> ? Output
  : S extends DescMessage ? MessageShape<S>
  : never;
