// Files that the loader and the schema must agree on.

/** What every file needs. */
const SERVICE = "service: { name: tape, version: 1.4.2, environment: test }\n";

/** Variables that the files refer to. */
export const VARIABLES: Readonly<Record<string, string>> = {
  HOST: "db.internal",
  LEVEL: "debug",
  PORT: "8080",
  RATIO: "5%",
  SECRET: "hunter2",
  SWITCH: "true",
  TIMEOUT: "30s",
};

/** Files without a mistake, by what is special about them. */
export const GOOD: Readonly<Record<string, string>> = {
  "nothing but the service": SERVICE,
  "an unquoted number for a text": "service: { name: 7, version: 1.4, environment: test }\n",
  "sections that take back what weaker sources say": `${SERVICE}server:\nlog: null\n`,
  "a setting that takes back": `${SERVICE}server: { http_port: null, tls: null }\n`,
  "port 0, the empty label, false":
    `${SERVICE}server: { http_port: 0 }\nmetrics: { labels: { a: "" }, enabled: false }\n`,
  "a number in quotes": `${SERVICE}server: { http_port: "8080" }\n`,
  "a number with a sign": `${SERVICE}server: { http_port: "+80" }\n`,
  "a flag in quotes": `${SERVICE}tracing: { enabled: "true" }\n`,
  "a flag in capitals": `${SERVICE}tracing: { enabled: TRUE }\n`,
  "durations of several parts":
    `${SERVICE}server: { read_timeout: 1m30s, write_timeout: 250ms, idle_timeout: 0.5h }\n`,
  "a duration of zero where it may be": `${SERVICE}server: { drain_delay: 0 }\n`,
  "a duration of zero with a unit": `${SERVICE}server: { drain_delay: 0s }\n`,
  "a duration at its bound": `${SERVICE}server: { drain_delay: 5m, read_timeout: 1h }\n`,
  "a duration as its fields": `${SERVICE}server: { read_timeout: { seconds: 5, nanos: 1 } }\n`,
  "sizes": `${SERVICE}server: { max_body_bytes: 1.5MiB, max_header_bytes: 64kB }\n`,
  "a size as a number": `${SERVICE}server: { max_body_bytes: 1048576, max_header_bytes: "8192" }\n`,
  "a size at its bound": `${SERVICE}server: { max_body_bytes: 1GiB }\n`,
  "a percentage": `${SERVICE}tracing: { sample_ratio: 12.5% }\n`,
  "a ratio as text": `${SERVICE}tracing: { sample_ratio: "0.25" }\n`,
  "all of a ratio": `${SERVICE}tracing: { sample_ratio: 100% }\n`,
  "an enum by its whole name":
    `${SERVICE}auth: { jwt: { issuer: a, audiences: [b], jwks_uri: "https://a/b", algorithms: [RS256], principal_type: PRINCIPAL_TYPE_USER } }\n`,
  "an enum by its short name":
    `${SERVICE}auth: { jwt: { issuer: a, audiences: [b], jwks_uri: "https://a/b", algorithms: [RS256], principal_type: User } }\n`,
  "references in place of any value":
    `${SERVICE}server: { http_port: "\${PORT}", read_timeout: "\${TIMEOUT}", host: "\${HOST}" }
log: { level: "\${LEVEL}" }
tracing: { enabled: "\${SWITCH}", sample_ratio: "\${RATIO}" }
`,
  "references with defaults":
    `${SERVICE}server: { http_port: "\${NO_PORT:-80}", host: "\${NO_HOST:-a}.\${HOST}" }\n`,
  "a text that only looks like a reference":
    `${SERVICE}metrics: { labels: { a: "$\${HOST}", b: "$HOST", c: "$", d: "$$" } }\n`,
  "a secret in a variable": `${SERVICE}cache: { redis: { password: { env: SECRET } } }\n`,
  "a secret as a reference": `${SERVICE}cache: { redis: { password: "\${SECRET}" } }\n`,
  "a secret in a file, with a field":
    `${SERVICE}cache: { redis: { password: { file: /run/secrets/a, key: b } } }\n`,
  "options of somebody else's driver":
    `${SERVICE}cache: { driver: nats, options: { a: [1, null, { b: "\${HOST}" }], c: true } }\n`,
  "brokers":
    `${SERVICE}event_bus: { kafka: { brokers: ["a:9092", "[::1]:9092", "\${HOST}:1"] } }\n`,
  "idempotence with a reference for what it asks for":
    `${SERVICE}event_bus: { kafka: { brokers: ["a:1"], idempotent: true, acks: "\${NO_ACKS:-all}" } }\n`,
  "topics": `${SERVICE}event_bus: { topics: [{ name: a, partitions: 3, retention: 7d }] }\n`,
  "a file in JSON": `{ "service": { "name": "tape", "version": "1", "environment": "test" } }`,
};

/** Files with one mistake, by what it is. */
export const BAD: Readonly<Record<string, string>> = {
  "no service": "log: { level: info }\n",
  "a service without a version": "service: { name: tape, environment: test }\n",
  "a required setting that is taken back":
    "service: { name: null, version: 1, environment: test }\n",
  "an unknown section": `${SERVICE}databse: { driver: postgres }\n`,
  "an unknown setting": `${SERVICE}server: { http_prot: 8080 }\n`,
  "an unknown setting deep down": `${SERVICE}cache: { redis: { single: { hots: a } } }\n`,
  "a setting in camelCase": `${SERVICE}server: { httpPort: 8080 }\n`,
  "a text for a number": `${SERVICE}server: { http_port: eighty }\n`,
  "a fraction for a whole number": `${SERVICE}server: { http_port: 80.5 }\n`,
  "a number above its bound": `${SERVICE}server: { http_port: 65536 }\n`,
  "the same in quotes": `${SERVICE}server: { http_port: "65536" }\n`,
  "a negative number": `${SERVICE}server: { http_port: -1 }\n`,
  "a number below its bound": `${SERVICE}database: { max_conns: 0 }\n`,
  "a number with a leading zero, in quotes": `${SERVICE}server: { http_port: "080" }\n`,
  "yes for a flag": `${SERVICE}metrics: { enabled: yes }\n`,
  "1 for a flag": `${SERVICE}metrics: { enabled: 1 }\n`,
  "on for a flag": `${SERVICE}metrics: { enabled: on }\n`,
  "a level that is none": `${SERVICE}log: { level: verbose }\n`,
  "a level in capitals": `${SERVICE}log: { level: INFO }\n`,
  "an environment that is none": "service: { name: tape, version: 1, environment: prod }\n",
  "an enum's value that is none":
    `${SERVICE}auth: { jwt: { issuer: a, audiences: [b], jwks_uri: "https://a/b", algorithms: [RS256], principal_type: robot } }\n`,
  "a duration without a unit": `${SERVICE}server: { read_timeout: 30 }\n`,
  "a duration with an unknown unit": `${SERVICE}server: { read_timeout: 30sec }\n`,
  "a duration with a blank": `${SERVICE}server: { read_timeout: 30 s }\n`,
  "a duration that is negative": `${SERVICE}server: { read_timeout: -5s }\n`,
  "a duration that repeats a unit": `${SERVICE}server: { read_timeout: 5m3m }\n`,
  "a duration of ISO 8601": `${SERVICE}server: { read_timeout: PT5S }\n`,
  "a duration of zero where it may not be": `${SERVICE}server: { read_timeout: 0s }\n`,
  "a duration above its bound": `${SERVICE}server: { read_timeout: 61m }\n`,
  "another above its bound": `${SERVICE}server: { drain_delay: 301s }\n`,
  "a duration as fields it does not have": `${SERVICE}server: { read_timeout: { minutes: 5 } }\n`,
  "a size with an unknown unit": `${SERVICE}server: { max_body_bytes: 10Mb }\n`,
  "a size above its bound": `${SERVICE}server: { max_body_bytes: 2GiB }\n`,
  "a size where none is read": `${SERVICE}database: { max_conns: 1kB }\n`,
  "a percentage above 100": `${SERVICE}tracing: { sample_ratio: 101% }\n`,
  "a ratio above 1": `${SERVICE}tracing: { sample_ratio: 1.01 }\n`,
  "a ratio that is negative": `${SERVICE}tracing: { sample_ratio: -0.1 }\n`,
  "a flag for a text": "service: { name: true, version: 1, environment: test }\n",
  "a text that is too long": `service: { name: tape, version: "${
    "1".repeat(101)
  }", environment: test }\n`,
  "an empty text": 'service: { name: tape, version: "", environment: test }\n',
  "a name with blanks": "service: { name: my tape, version: 1, environment: test }\n",
  "a value for a list": `${SERVICE}log: { redact_keys: a }\n`,
  "a list for a value": `${SERVICE}log: { level: [info] }\n`,
  "a list for a section": `${SERVICE}server: []\n`,
  "a value for a section": `${SERVICE}server: 8080\n`,
  "a member that is nothing": `${SERVICE}log: { redact_keys: [a, null] }\n`,
  "nothing within a list of settings":
    `${SERVICE}event_bus: { topics: [{ name: a, partitions: null }] }\n`,
  "a member twice": `${SERVICE}log: { redact_keys: [a, a] }\n`,
  "no broker": `${SERVICE}event_bus: { kafka: { brokers: [] } }\n`,
  "a broker without a port": `${SERVICE}event_bus: { kafka: { brokers: [a] } }\n`,
  "a broker with a port that is none": `${SERVICE}event_bus: { kafka: { brokers: ["a:70000"] } }\n`,
  "a secret itself": `${SERVICE}cache: { redis: { password: hunter2 } }\n`,
  "a secret itself behind a reference": `${SERVICE}cache: { redis: { password: "\${SECRET}x" } }\n`,
  "a secret as settings that it does not have":
    `${SERVICE}cache: { redis: { password: { value: hunter2 } } }\n`,
  "a secret in two places": `${SERVICE}cache: { redis: { password: { env: A, file: /b } } }\n`,
  "a secret in no place": `${SERVICE}cache: { redis: { password: {} } }\n`,
  "a reference that does not end": `${SERVICE}server: { host: "\${HOST" }\n`,
  "a reference within a reference": `${SERVICE}server: { host: "\${A:-\${HOST}}" }\n`,
  "a reference to no name": `${SERVICE}server: { host: "\${1HOST}" }\n`,
  "a reference for a section": `${SERVICE}server: "\${SERVER:-a}"\n`,
  "two of what excludes each other":
    `${SERVICE}cache: { redis: { single: {}, cluster: { nodes: ["a:1"] } } }\n`,
  "a connection string and its parts":
    `${SERVICE}database: { postgres: { url: { env: A }, host: b } }\n`,
  "idempotence without what it asks for":
    `${SERVICE}event_bus: { kafka: { brokers: ["a:1"], idempotent: true, acks: leader } }\n`,
  "credentials of another mechanism":
    `${SERVICE}event_bus: { kafka: { brokers: ["a:1"], sasl: { mechanism: PLAIN, token: { env: A } } } }\n`,
  "a cluster with a database":
    `${SERVICE}cache: { redis: { cluster: { nodes: ["a:1"] }, database: 1 } }\n`,
  "algorithms of another kind of key":
    `${SERVICE}auth: { jwt: { issuer: a, audiences: [b], secret: { env: A }, algorithms: [RS256] } }\n`,
  "one key of two": `${SERVICE}secrets: { aws: { access_key_id: { env: A } } }\n`,
  "a key without its certificate": `${SERVICE}server: { tls: { private_key: { env: A } } }\n`,
  "an address that is none": `${SERVICE}tracing: { otlp: { endpoint: "collector:4318" } }\n`,
  "a name that could do harm": `${SERVICE}cache: { options: { constructor: 1 } }\n`,
  "a list at the top": "- service\n",
};
