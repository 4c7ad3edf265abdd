import { mkdtemp, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { spawnSync } from "node:child_process";
import { CqiError } from "../errors/mod.ts";

const DEFAULT_FOLDER = ".cache/servers/kafka/libs";

/** A new folder for the data of a server. */
export function newDataFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), "cqi-kafka-"));
}

/**
 * The folder with the libraries of Kafka, absolute.
 *
 * @throws {CqiError} `CQI_DRIVER_MISSING` when it is not there, or `java` is not.
 */
export async function findKafkaLibraries(): Promise<string> {
  const folder = resolve(process.env["TEST_KAFKA_LIBS"] || DEFAULT_FOLDER);
  const files = await readdir(folder).catch(() => []);
  if (!files.some((file) => /^kafka_[\d.]+-[\d.]+\.jar$/.test(file))) {
    throw missing(
      `the folder ${folder} has no libraries of Kafka: put those of ` +
        "org.apache.kafka:kafka_2.13:4.3.1 there (a pom.xml with it as a dependency, and " +
        "'mvn dependency:copy-dependencies'), or name their folder in TEST_KAFKA_LIBS",
    );
  }
  if (spawnSync("java", ["-version"], { stdio: "ignore" }).status !== 0) {
    throw missing("there is no 'java': install a runtime of Java 17 or later");
  }
  return folder;
}

function missing(why: string): CqiError {
  return new CqiError(
    "CQI_DRIVER_MISSING",
    `Cannot start Kafka: ${why}; or name a running one in TEST_KAFKA as host:port`,
  );
}
