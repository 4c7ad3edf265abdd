import { type DescMessage, ScalarType } from "@bufbuild/protobuf";
import type { Vector } from "./vector.ts";

/** Highest number that a field can have; no message has it. */
const UNKNOWN = 536_870_911;

function varint(value: number): number[] {
  const low = value % 128;
  return value < 128 ? [low] : [low + 128, ...varint(Math.floor(value / 128))];
}

const tag = (field: number, wireType: number): number[] => varint(field * 8 + wireType);

/** Bytes that are no message, whatever reads them: refused as a whole. */
export function malformed(type: DescMessage, valid: Uint8Array): Vector[] {
  const field = type.fields.find((each) =>
    each.fieldKind === "scalar" && each.scalar === ScalarType.STRING
  );
  if (field === undefined) return [];
  const { number } = field;
  const bad: Readonly<Record<string, readonly number[]>> = {
    "cut within a tag": [0x80],
    "cut within a length": [...tag(number, 2), 0x80],
    "cut within a text": [...tag(number, 2), 5, 0x61],
    "cut within an unknown number": [...tag(UNKNOWN, 0), 0xff],
    "cut within 8 bytes": [...tag(UNKNOWN, 1), 1, 2, 3],
    "field number 0": [0x00, 0x00],
    "wire type 6": [...tag(number, 6)],
    "wire type 7": [...tag(number, 7)],
    "a tag of 11 bytes": [...Array(10).fill(0xff), 0x01],
    "an end without a beginning": [...tag(UNKNOWN, 4)],
    "a beginning without an end": [...tag(UNKNOWN, 3), ...tag(1, 0), 1],
    "no UTF-8": [...tag(number, 2), 2, 0xc3, 0x28],
    "a length beyond all bounds": [...tag(number, 2), 0xff, 0xff, 0xff, 0xff, 0x07],
  };
  return Object.entries(bad).map(([name, bytes]) => ({
    type: type.typeName,
    name: `malformed: ${name}`,
    bytes: new Uint8Array([...valid, ...bytes]),
  }));
}

/** A field that no version of the message has: kept by all who read and write it. */
export function withUnknown(bytes: Uint8Array): Uint8Array {
  return new Uint8Array([...bytes, ...tag(UNKNOWN, 0), 0x96, 0x01]);
}
