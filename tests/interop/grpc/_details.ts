// The details of gRPC errors that the tests read, as google/rpc/error_details.proto defines them.
import {
  createFileRegistry,
  type FileRegistry,
  fromJson,
  type JsonValue,
} from "@bufbuild/protobuf";
import { file_google_protobuf_duration, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

const text = (name: string, number: number): JsonValue => ({
  name,
  number,
  type: "TYPE_STRING",
  label: "LABEL_OPTIONAL",
});

const message = (
  name: string,
  number: number,
  typeName: string,
  label = "LABEL_OPTIONAL",
): JsonValue => ({ name, number, typeName, label, type: "TYPE_MESSAGE" });

const FILE = fromJson(FileDescriptorProtoSchema, {
  name: "google/rpc/error_details.proto",
  package: "google.rpc",
  syntax: "proto3",
  dependency: ["google/protobuf/duration.proto"],
  messageType: [
    {
      name: "ErrorInfo",
      field: [
        text("reason", 1),
        text("domain", 2),
        message("metadata", 3, ".google.rpc.ErrorInfo.MetadataEntry", "LABEL_REPEATED"),
      ],
      nestedType: [{
        name: "MetadataEntry",
        field: [text("key", 1), text("value", 2)],
        options: { mapEntry: true },
      }],
    },
    { name: "RetryInfo", field: [message("retry_delay", 1, ".google.protobuf.Duration")] },
    {
      name: "BadRequest",
      field: [
        message("field_violations", 1, ".google.rpc.BadRequest.FieldViolation", "LABEL_REPEATED"),
      ],
      nestedType: [{
        name: "FieldViolation",
        field: [text("field", 1), text("description", 2), text("reason", 3)],
      }],
    },
    {
      name: "ResourceInfo",
      field: [
        text("resource_type", 1),
        text("resource_name", 2),
        text("owner", 3),
        text("description", 4),
      ],
    },
  ],
});

/** Descriptors of the details. */
export const errorDetails: FileRegistry = createFileRegistry(
  FILE,
  (name) =>
    name === file_google_protobuf_duration.proto.name ? file_google_protobuf_duration : undefined,
);
