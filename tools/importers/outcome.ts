import {
  create,
  type DescMessage,
  type Message,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { encode, violations } from "../../contracts/mod.ts";

/** Why a row cannot be a message, or why a message lacks a field. */
export interface Reason {
  /** Full name of the message that it concerns; empty when the row itself cannot be read. */
  readonly type: string;
  /** Field of that message, or of the row where `type` is empty. */
  readonly field: string;
  /** Id of the contracts' rule, for example `string.max_len`, or of the importer's, `import.…`. */
  readonly rule: string;
  /** What is wanted; never the value. */
  readonly reason: string;
}

/** A message that was made of a row. */
export interface Imported {
  /** Its key, unique among messages of its type. */
  readonly key: string;
  /** Its type. */
  readonly schema: DescMessage;
  /** The message. */
  readonly message: Message;
}

/** What became of a row: all of its messages, the first being its own; or none, with every reason. */
export type Outcome =
  | { readonly messages: readonly Imported[]; readonly omitted: readonly Reason[] }
  | { readonly refused: readonly Reason[] };

/** A problem of the row itself. */
export function rowProblem(field: string, rule: string, reason: string): Reason {
  return { type: "", field, rule: `import.${rule}`, reason };
}

/** Makes a message with its key. */
export function imported<Desc extends DescMessage>(
  schema: Desc,
  key: string,
  init: MessageInitShape<Desc>,
): Imported {
  return { key, schema, message: create(schema, init) };
}

/** The rules that a message breaks. */
function broken({ schema, message }: Imported): Reason[] {
  return violations(schema, message as MessageShape<DescMessage>).map((violation) => ({
    type: schema.typeName,
    field: violation.field,
    rule: violation.rule,
    reason: violation.message,
  }));
}

/**
 * Ends the import of a row: its messages if the row could be read and every one of them is valid.
 *
 * @param messages What was made of the row, its own message first.
 * @param problems What was wrong with the row already.
 * @param omitted Fields that the row does not give.
 */
export function settle(
  messages: readonly Imported[],
  problems: readonly Reason[],
  omitted: readonly Reason[] = [],
): Outcome {
  const all = [...problems, ...messages.flatMap(broken)];
  // A field that was read twice is wrong once.
  const refused = [
    ...new Map(all.map((each) => [`${each.type} ${each.field} ${each.rule}`, each])).values(),
  ];
  if (refused.length > 0) return { refused };
  // What is valid can be encoded; this fails here rather than in the hands of who reads the file.
  for (const { schema, message } of messages) encode(schema, message);
  return { messages, omitted };
}
