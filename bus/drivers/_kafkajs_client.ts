import { type Admin, Kafka, type KafkaConfig, logLevel, type SASLOptions } from "kafkajs";
import type { Logger } from "../../core/mod.ts";
import { CqiError, isCqiError, messageOf } from "../../errors/mod.ts";
import { CERTIFICATE_REGEXP, CODES } from "./_kafka_codes.ts";
import type { LoginSettings, TlsSettings } from "./_kafka_login.ts";
import type { KafkajsSettings } from "./_kafkajs_settings.ts";

/** How to encrypt and log in. */
export interface Login {
  readonly tls: TlsSettings | undefined;
  readonly sasl: LoginSettings | undefined;
}

/** Makes the client library's root; its lines go to our logger. */
export async function kafkajsClient(
  settings: KafkajsSettings,
  { tls, sasl }: Login,
  logger: Logger,
): Promise<Kafka> {
  return new Kafka({
    brokers: [...settings.brokers],
    clientId: settings.clientId,
    connectionTimeout: settings.connectMs,
    authenticationTimeout: settings.connectMs,
    requestTimeout: settings.requestMs,
    // Little: what is tried again, and for how long, is decided here.
    retry: { retries: 1, initialRetryTime: 100, maxRetryTime: 1000 },
    ...tls !== undefined && { ssl: tls },
    ...sasl !== undefined && { sasl: await saslOf(sasl) },
    logLevel: logLevel.WARN,
    logCreator: logTo(logger.child({ client: "kafkajs" })),
  });
}

function logTo(logger: Logger): NonNullable<KafkaConfig["logCreator"]> {
  return () => ({ level, log: { message, error, groupId, topic, partition } }) => {
    const fields = { client_error: error, group: groupId, topic, partition };
    // What it calls errors it mostly gets over; what it does not reaches us as an error.
    if (level === logLevel.ERROR || level === logLevel.WARN) logger.warn(message, fields);
    else logger.debug(message, fields);
  };
}

async function saslOf(sasl: LoginSettings): Promise<SASLOptions> {
  if (sasl.mechanism === "OAUTHBEARER") {
    const { token } = sasl;
    return {
      mechanism: "oauthbearer",
      oauthBearerProvider: async () => ({ value: await token() }),
    };
  }
  const mechanism = sasl.mechanism.toLowerCase() as "plain" | "scram-sha-256" | "scram-sha-512";
  return { mechanism, username: sasl.username, password: await sasl.password() } as SASLOptions;
}

interface ClientError {
  readonly name?: unknown;
  readonly type?: unknown;
  readonly code?: unknown;
  readonly retriable?: unknown;
  readonly cause?: unknown;
  readonly message?: unknown;
  readonly errors?: readonly unknown[];
}

function* chainOf(error: unknown, depth = 0): Generator<ClientError> {
  if (typeof error !== "object" || error === null || depth > 8) return;
  const each = error as ClientError;
  yield each;
  yield* chainOf(each.cause, depth + 1);
  for (const part of each.errors ?? []) yield* chainOf(part, depth + 1);
}

/** Names of this library for what Kafka now calls otherwise. */
const RENAMED: Readonly<Record<string, string>> = {
  NOT_LEADER_FOR_PARTITION: "NOT_LEADER_OR_FOLLOWER",
};

/** The broker's answer within an error, by name, or nothing. */
export function answerOf(error: unknown): string | undefined {
  for (const { type } of chainOf(error)) if (typeof type === "string") return RENAMED[type] ?? type;
  return undefined;
}

/** Whether a broker took a request and did not answer in time. */
export function hasTimedOut(error: unknown): boolean {
  return [...chainOf(error)].some(({ name }) => name === "KafkaJSRequestTimeoutError");
}

/**
 * What the client library threw, as an error of ours.
 *
 * @param action What was tried, such as `publish on 'prices'`.
 * @param error What was caught.
 */
export function kafkajsError(action: string, error: unknown): CqiError {
  if (isCqiError(error)) return error;
  const chain = [...chainOf(error)];
  const name = answerOf(error);
  const why = messageOf(chain.at(-1) ?? error).slice(0, 300);
  const options = { cause: error, details: name === undefined ? {} : { kafka: name } };
  if (name !== undefined) {
    // What gave up trying says that it is final; what it tried does not.
    const passes = chain.some((each) => typeof each.type === "string" && each.retriable === true);
    const code = CODES[name] ?? (passes ? "CQI_BUS_UNAVAILABLE" : "CQI_BUS_PERMANENT");
    return new CqiError(code, `Cannot ${action}: Kafka says ${name} (${why})`, options);
  }
  if (chain.some((each) => String(each.name).includes("SASL"))) {
    return new CqiError("CQI_UNAUTHENTICATED", `Cannot ${action}: login refused (${why})`, options);
  }
  if (
    chain.some((each) => typeof each.code === "string" && CERTIFICATE_REGEXP.test(each.code))
  ) {
    return new CqiError(
      "CQI_BUS_PERMANENT",
      `Cannot ${action}: no TLS with Kafka (${why})`,
      options,
    );
  }
  return new CqiError("CQI_BUS_UNAVAILABLE", `Cannot ${action}: Kafka is away (${why})`, options);
}

/** A connected administrator, connected again when it is asked next after it failed. */
export interface KafkajsAdmin {
  /** Runs a question; what fails is an error of ours. */
  ask<T>(action: string, question: (admin: Admin) => Promise<T>): Promise<T>;
  /** Ends its connections. */
  close(): Promise<void>;
}

/** Makes an administrator; it connects when it is first asked. */
export function kafkajsAdmin(kafka: Kafka): KafkajsAdmin {
  let admin: Promise<Admin> | undefined;
  const connected = (): Promise<Admin> =>
    admin ??= (async () => {
      const made = kafka.admin();
      await made.connect();
      return made;
    })();
  const drop = async (one: Promise<Admin> | undefined): Promise<void> => {
    // What does not connect has nothing to end.
    await one?.then((each) => each.disconnect()).catch(() => {});
  };
  return {
    async ask(action, question) {
      const current = connected();
      try {
        return await question(await current);
      } catch (error) {
        const caught = kafkajsError(action, error);
        // Its connections may be what is wrong, or what it knows of leaders.
        if (admin === current && caught.retryable) {
          admin = undefined;
          void drop(current);
        }
        throw caught;
      }
    },
    async close() {
      const last = admin;
      admin = undefined;
      await drop(last);
    },
  };
}
