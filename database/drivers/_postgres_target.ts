import { isFieldSet } from "@bufbuild/protobuf";
import { CqiError } from "../../errors/mod.ts";
import { type PostgresConfig, PostgresConfigSchema } from "../../gen/ts/cqc/config/v1/mod.ts";

/** How TLS is used, in libpq's words (SSL Support, 34.19). */
export type SslMode = "disable" | "require" | "verify-ca" | "verify-full";

/** One server that may be the one. */
export interface Host {
  /** Name, address, or directory of a Unix socket. */
  readonly host: string;
  readonly port: number;
}

/** Where to connect and as whom. The password is apart, so that this may be looked at. */
export interface Target {
  readonly hosts: readonly Host[];
  readonly user: string;
  readonly database: string;
  /** Undefined: verify-full, or disable on loopback and Unix sockets. */
  readonly sslMode: SslMode | undefined;
  /** Only a server that takes writes will do. */
  readonly needsWritable: boolean;
}

/** A target with what a connection string says of the password. */
export interface ParsedUrl {
  readonly target: Target;
  readonly password: string | undefined;
}

const DEFAULT_PORT = 5432;
const MODES: readonly string[] = ["disable", "require", "verify-ca", "verify-full"];
const URL_REGEXP = /^postgres(?:ql)?:\/\/(?:([^@/?#]*)@)?([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/;

// Never with a part of the string: any of it may be the password, written at the wrong place.
function badUrl(what: string): CqiError {
  return new CqiError(
    "CQI_CONFIG_INVALID",
    `Cannot read the connection string of the database: ${what}; wanted ` +
      "postgres://user:password@host:port/database?sslmode=verify-full with all special " +
      "characters percent-encoded",
  );
}

function decoded(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw badUrl(`${what} is not percent-encoded`);
  }
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535) {
    throw badUrl("a port is not a number from 1 to 65535");
  }
  return port;
}

/** `a:5432,[::1]:5433,b` (Connection URIs, 34.1.1.2). */
function hostsOf(text: string): readonly Host[] {
  return text.split(",").map((part) => {
    const match = /^(?:\[([0-9A-Fa-f:.%]+)\]|([^:[\]]*))(?::(.*))?$/.exec(part);
    if (match === null) throw badUrl("a host is not a name or an address");
    const host = match[1] ?? decoded(match[2] ?? "", "a host");
    return {
      host: host === "" ? "localhost" : host,
      port: match[3] === undefined || match[3] === "" ? DEFAULT_PORT : portOf(match[3]),
    };
  });
}

function writable(value: string): boolean {
  if (value !== "any" && value !== "read-write" && value !== "primary") {
    throw badUrl("target_session_attrs must be any, read-write or primary");
  }
  return value !== "any";
}

/**
 * Reads a connection string.
 *
 * @param url `postgres://...`, several hosts allowed.
 * @throws `CQI_CONFIG_INVALID`, without any part of the string.
 */
export function parseUrl(url: string): ParsedUrl {
  const match = URL_REGEXP.exec(url);
  if (match === null) throw badUrl("it is not of that form");
  const [, login = "", authority = "", path = "", search = ""] = match;
  const colon = login.indexOf(":");
  const user = decoded(colon < 0 ? login : login.slice(0, colon), "the user") || "postgres";
  let hosts = hostsOf(authority);
  let sslMode: SslMode | undefined;
  let needsWritable: boolean | undefined;
  for (const pair of search === "" ? [] : search.split("&")) {
    const at = pair.indexOf("=");
    const name = at < 0 ? pair : pair.slice(0, at);
    const value = at < 0 ? "" : decoded(pair.slice(at + 1), "a parameter");
    switch (name) {
      case "sslmode":
        if (!MODES.includes(value)) throw badUrl(`sslmode must be one of ${MODES.join(", ")}`);
        sslMode = value as SslMode;
        break;
      case "target_session_attrs":
        needsWritable = writable(value);
        break;
      case "host":
        // The only way to say the directory of a Unix socket.
        hosts = value.split(",").map((host) => ({ host, port: hosts[0]!.port }));
        break;
      default:
        throw badUrl("it has a parameter besides sslmode, target_session_attrs and host");
    }
  }
  return {
    target: {
      hosts,
      user,
      database: decoded(path, "the database") || user,
      sslMode,
      needsWritable: needsWritable ?? hosts.length > 1,
    },
    password: colon < 0 ? undefined : decoded(login.slice(colon + 1), "the password"),
  };
}

/** Reads the fields; a comma in `host` parts several hosts, which share the port. */
export function targetOf(config: PostgresConfig | undefined): Target {
  const has = (name: keyof typeof PostgresConfigSchema.field): boolean =>
    config !== undefined && isFieldSet(config, PostgresConfigSchema.field[name]);
  const user = has("user") ? config!.user : "postgres";
  const port = has("port") ? config!.port : DEFAULT_PORT;
  const names = (has("host") ? config!.host : "localhost").split(",").map((name) => name.trim());
  if (names.includes("")) {
    throw new CqiError(
      "CQI_CONFIG_INVALID",
      "Cannot use database.postgres.host: a host between its commas is empty",
    );
  }
  return {
    hosts: names.map((host) => ({ host, port })),
    user,
    database: has("database") ? config!.database : user,
    sslMode: has("sslMode") ? config!.sslMode as SslMode : undefined,
    needsWritable: names.length > 1,
  };
}

/** Whether a host is this very machine, so that nobody stands between. */
export function isLocal(host: string): boolean {
  return host.startsWith("/") || host === "localhost" || host === "::1" ||
    /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
