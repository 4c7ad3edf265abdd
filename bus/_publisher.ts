import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { chain, type WaitOptions } from "../core/mod.ts";
import type { Batcher } from "./_batcher.ts";
import type { Environment } from "./_environment.ts";
import { prepare, recordOf } from "./_record.ts";
import type { RecordToSend } from "./driver.ts";
import type { Published, PublishMiddleware, PublishOptions, Topic } from "./types.ts";

/** Publishes an event of a typed topic. */
export type Publish = (
  topic: Topic,
  event: MessageInitShape<DescMessage>,
  options: PublishOptions,
) => Promise<Published>;

/** Makes the publishing half of a bus. */
export function publisher(
  env: Environment,
  out: Batcher,
  middleware: readonly PublishMiddleware[],
): Publish {
  const { settings, tracer, metrics } = env;
  const send = chain(
    middleware,
    (record: RecordToSend, wait: WaitOptions) => out.send(record, wait),
  );

  return async (topic, init, options) => {
    const name = env.nameOf(topic.name);
    try {
      const prepared = prepare(env, topic.schema, init);
      const published = await tracer.span(
        `send ${name}`,
        {
          kind: "producer",
          attributes: {
            "messaging.system": settings.driver,
            "messaging.operation.type": "send",
            "messaging.destination.name": name,
          },
        },
        async (span) =>
          await send(recordOf(env, topic, prepared, span, options), { signal: options.signal }),
      );
      metrics.published.with({ topic: name, result: "ok" }).add();
      return published;
    } catch (error) {
      metrics.published.with({ topic: name, result: "error" }).add();
      throw error;
    }
  };
}
