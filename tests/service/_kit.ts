import type { MessageInitShape } from "@bufbuild/protobuf";
import type { CqiConfigSchema } from "../../gen/ts/cqc/config/v1/mod.ts";
import { type logging, service } from "../../mod.ts";

/** A sink that keeps what is written, parsed. */
export interface RecordingSink extends logging.LogSink {
  readonly lines: Record<string, unknown>[];
}

/** Makes one. */
export function recordingSink(): RecordingSink {
  const lines: Record<string, unknown>[] = [];
  return {
    lines,
    write: (line) => void lines.push(JSON.parse(line)),
    flush: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

/** Opens a service on loopback that logs nowhere. */
export function openService<P extends service.PartName = never>(
  uses: readonly P[],
  config: MessageInitShape<typeof CqiConfigSchema> = {},
  options: service.OpenOptions<P> = {},
): Promise<service.Service<P>> {
  return service.open({
    service: { name: "fixture", version: "1.0.0", environment: "test" },
    server: { host: "127.0.0.1", httpPort: 0 },
    ...config as object,
  }, { sink: recordingSink(), uses, ...options });
}
