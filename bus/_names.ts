import type { Logger } from "../core/mod.ts";
import { requireTopicName } from "./topic.ts";

/** Gives the name of a topic on the broker, the prefix put before it; throws for one not allowed. */
export type TopicNames = (name: string) => string;

/**
 * Makes the names of one bus.
 *
 * @param prefix Put before each name.
 * @param logger Is told of names that brokers mix up.
 */
export function topicNames(prefix: string, logger: Logger): TopicNames {
  // A program has few topics, and its broker keeps each of them too.
  const names = new Map<string, string>();
  const alike = new Map<string, string>();
  return (name) => {
    const known = names.get(name);
    if (known !== undefined) return known;
    const full = requireTopicName(`${prefix}${requireTopicName(name)}`);
    names.set(name, full);
    // Kafka names metrics after topics with '_' for '.', so these two would count as one.
    const flat = full.replaceAll(".", "_");
    const other = alike.get(flat);
    alike.set(flat, full);
    if (other !== undefined) {
      logger.warn(
        "Two topics differ in '.' and '_' alone, which Kafka's metrics cannot tell apart",
        {
          topics: [other, full],
        },
      );
    }
    return full;
  };
}
