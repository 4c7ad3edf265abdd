import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";

const validator = createValidator();

/** Whether protovalidate by itself calls a message valid. */
export function isValidByItself(schema: DescMessage, message: MessageShape<DescMessage>): boolean {
  return validator.validate(schema, message).kind === "valid";
}
