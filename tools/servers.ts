// deno-lint-ignore-file no-console -- a command line tool speaks on the console
/**
 * Fetches Kafka for the tests into .cache/servers, through Maven: `deno task servers`. Postgres and
 * Redis come from the system's packages. Does nothing when Kafka is there.
 */
import { fileURLToPath } from "node:url";

const KAFKA = "4.3.1";
const FOLDER = fileURLToPath(new URL("../.cache/servers/kafka/", import.meta.url));

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>servers</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>${KAFKA}</version>
    </dependency>
  </dependencies>
</project>
`;

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function fetchKafka(): Promise<void> {
  await Deno.mkdir(FOLDER, { recursive: true });
  await Deno.writeTextFile(`${FOLDER}pom.xml`, POM);
  const { success } = await new Deno.Command("mvn", {
    args: ["-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=libs"],
    cwd: FOLDER,
  }).output();
  if (!success) throw new Error(`Cannot fetch Kafka ${KAFKA}: mvn failed, as it says above`);
}

if (await exists(`${FOLDER}libs/kafka_2.13-${KAFKA}.jar`)) {
  console.log(`Kafka ${KAFKA} is in ${FOLDER}libs`);
} else {
  await fetchKafka();
  console.log(`Fetched Kafka ${KAFKA} into ${FOLDER}libs`);
}
