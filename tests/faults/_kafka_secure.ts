// A Kafka that is called over TLS alone, and by who logs in.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CqiError } from "../../errors/mod.ts";
import { findKafkaLibraries, newDataFolder } from "../../testing/_kafka_libraries.ts";
import { kafkaNode } from "../../testing/_kafka_node.ts";
import { freePort } from "../../testing/_server_process.ts";

/** A broker with a listener for each way. */
export interface SecureKafka {
  /** Without TLS, for administrators. */
  readonly plain: string;
  /** With TLS. */
  readonly tls: string;
  /** With TLS, where clients log in. */
  readonly sasl: string;
  /** Certificate of who signed that of the broker, as PEM. */
  readonly ca: string;
  /** One of somebody else. */
  readonly otherCa: string;
  readonly user: string;
  readonly password: string;
  close(): Promise<void>;
}

const USER = "cqpm";
const PASSWORD = "cqi-canary-kafka-password";
const LOGIN = "org.apache.kafka.common.security";

async function run(command: string, args: readonly string[]): Promise<void> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (chunk) => output += chunk);
  child.stderr.on("data", (chunk) => output += chunk);
  const missing = new Promise<never>((_, reject) => child.once("error", reject));
  const [code] = await Promise.race([once(child, "close"), missing]);
  if (code !== 0) throw new CqiError("CQI_UNAVAILABLE", `Cannot run ${command}: ${output}`);
}

/** Makes an authority, and a certificate of the broker that it signed: `NAME.pem`, `broker.pem`. */
async function certificates(folder: string): Promise<void> {
  const at = (name: string): string => join(folder, name);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  for (const name of ["ca", "other"]) {
    const out = ["-keyout", at(`${name}.key`), "-out", at(`${name}.pem`)];
    await run("openssl", ["req", "-x509", ...key, ...out, "-days", "2", "-subj", `/CN=${name}`]);
  }
  const request = ["-keyout", at("broker.key"), "-out", at("broker.csr")];
  await run("openssl", ["req", ...key, ...request, "-subj", "/CN=localhost"]);
  await writeFile(at("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
  const signer = ["-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial"];
  const signed = ["-in", at("broker.csr"), "-out", at("broker.crt"), "-extfile", at("names")];
  await run("openssl", ["x509", "-req", ...signer, ...signed, "-days", "2"]);
  const both = await readFile(at("broker.key"), "utf8") + await readFile(at("broker.crt"), "utf8");
  await writeFile(at("broker.pem"), both);
}

/**
 * Starts one.
 *
 * @throws {CqiError} `CQI_DRIVER_MISSING` where there is no Kafka.
 */
export async function startSecureKafka(): Promise<SecureKafka> {
  const libraries = await findKafkaLibraries();
  const folder = await newDataFolder();
  const [plain, tls, sasl, controller] = await Promise.all([1, 2, 3, 4].map(() => freePort()));
  const listeners = `PLAINTEXT://localhost:${plain},SSL://localhost:${tls},` +
    `SASL_SSL://localhost:${sasl}`;
  const scram = `${LOGIN}.scram.ScramLoginModule required;`;
  const node = kafkaNode({
    id: 1,
    libraries,
    folder: join(folder, "1"),
    port: plain!,
    controllerPort: controller!,
    settings: {
      "controller.quorum.voters": `1@127.0.0.1:${controller}`,
      "listeners": `${listeners},CONTROLLER://127.0.0.1:${controller}`,
      "advertised.listeners": listeners,
      "listener.security.protocol.map":
        "PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT",
      "ssl.keystore.type": "PEM",
      "ssl.keystore.location": join(folder, "broker.pem"),
      "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
      "listener.name.sasl_ssl.plain.sasl.jaas.config":
        `${LOGIN}.plain.PlainLoginModule required user_${USER}="${PASSWORD}";`,
      "listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config": scram,
      "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": scram,
      "num.partitions": "2",
      "offsets.topic.num.partitions": "3",
      "offsets.topic.replication.factor": "1",
      "group.initial.rebalance.delay.ms": "0",
    },
  });
  const close = async (): Promise<void> => {
    await node.kill();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await certificates(folder);
    await node.start();
    for (const mechanism of ["SCRAM-SHA-256", "SCRAM-SHA-512"]) {
      await run("java", [
        ...["-cp", `${libraries}/*`, "kafka.admin.ConfigCommand"],
        ...["--bootstrap-server", `localhost:${plain}`, "--alter"],
        ...["--add-config", `${mechanism}=[password=${PASSWORD}]`],
        ...["--entity-type", "users", "--entity-name", USER],
      ]);
    }
    return {
      plain: `localhost:${plain}`,
      tls: `localhost:${tls}`,
      sasl: `localhost:${sasl}`,
      ca: await readFile(join(folder, "ca.pem"), "utf8"),
      otherCa: await readFile(join(folder, "other.pem"), "utf8"),
      user: USER,
      password: PASSWORD,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
