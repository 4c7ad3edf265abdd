import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { env, load, yaml } from "../../config/mod.ts";
import { file, mistakes, service } from "./_helpers.ts";

async function host(
  value: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<string | undefined> {
  const { cqi } = await load({ sources: [service, file(`server:\n  host: ${value}`)], variables });
  return cqi.server?.host;
}

async function mistake(
  value: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<string> {
  const sources = [service, file(`server:\n  host: ${value}`)];
  return (await mistakes({ sources, variables })).join("\n");
}

test("interpolation replaces variables, wherever they stand in a value", async () => {
  assert.equal(await host("${HOST}", { HOST: "a.internal" }), "a.internal");
  assert.equal(await host("'${A}-${B}.internal'", { A: "x", B: "y" }), "x-y.internal");
});

test("interpolation falls back to a default when the variable is absent or empty", async () => {
  assert.equal(await host("${HOST:-localhost}"), "localhost");
  assert.equal(await host("${HOST:-localhost}", { HOST: "" }), "localhost");
  assert.equal(await host("${HOST:-localhost}", { HOST: "b" }), "b");
  assert.equal(await host('"${HOST:-a:b}"'), "a:b");
});

test("interpolation names the line and the variable that is missing (C4)", async () => {
  assert.equal(
    await mistake("${HOST}"),
    "config.yaml:2 server.host: needs the environment variable 'HOST', which is not set",
  );
});

test("interpolation leaves $${ and lone dollars as text (C4)", async () => {
  assert.equal(await host("'$${HOST}'", { HOST: "no" }), "${HOST}");
  assert.equal(await host("'a$b$'"), "a$b$");
  assert.equal(await host("$(id)"), "$(id)");
  assert.equal(await host("'`id`'"), "`id`");
});

test("interpolation does not look again at what it put in (C4)", async () => {
  assert.equal(await host("${A}", { A: "${B}", B: "${A}" }), "${B}");
  assert.equal(await host("${A:-x}", { A: "$(id)" }), "$(id)");
});

test("interpolation refuses what is no reference", async () => {
  const table: [string, RegExp][] = [
    ["'${'", /has a '\$\{' without a '\}'/],
    ["'${A:-${B}}'", /has a '\$\{' inside a '\$\{'/],
    ["'${}'", /has a reference that is not/],
    ["'${a b}'", /has a reference that is not/],
    ["'${A-b}'", /has a reference that is not/],
    ["'${secret:db}'", /has a reference that is not/],
    ["'${__proto__}'", /needs the environment variable '__proto__'/],
    ["'${constructor}'", /needs the environment variable 'constructor'/],
  ];
  for (const [value, wanted] of table) assert.match(await mistake(value), wanted, value);
});

test("interpolation gives a value the type that the setting wants", async () => {
  const { cqi } = await load({
    sources: [
      service,
      file([
        "server: { http_port: '${PORT}', read_timeout: '${TIMEOUT}', max_body_bytes: '${SIZE}' }",
        "tracing:",
        "  sample_ratio: ${RATIO}",
        "  enabled: ${ENABLED}",
        "  memory: { max_spans: '${PORT}' }",
      ].join("\n")),
    ],
    variables: { PORT: "8081", TIMEOUT: "10m30s", SIZE: "1.5MiB", RATIO: "25%", ENABLED: "false" },
  });
  assert.equal(cqi.server?.httpPort, 8081);
  assert.equal(cqi.server?.readTimeout?.seconds, 630n);
  assert.equal(cqi.server?.maxBodyBytes, 1_572_864n);
  assert.equal(cqi.tracing?.sampleRatio, 0.25);
  assert.equal(cqi.tracing?.enabled, false);
});

test("interpolation without quotes inside braces is told once, with the remedy", async () => {
  const found = await mistakes({
    sources: [service, file("server: { host: ${HOST}, port: ${PORT} }")],
  });
  assert.equal(found.length, 1);
  assert.match(found[0]!, /^config\.yaml:1 : is not valid YAML: .* inside braces and brackets/);
});

test("interpolation takes no name, only values", async () => {
  const found = await mistakes({
    sources: [service, file("'${KEY}': { level: info }")],
    variables: { KEY: "log" },
  });
  assert.match(found.join("\n"), /\$\{KEY\} is no setting|\$\{KEY\}: is no setting/);
});

test("interpolation bounds what it puts in", async () => {
  const lines = Array.from({ length: 100 }, (_, i) => `    k${i}: \${BIG}`);
  const found = await mistakes({
    sources: [service, file(`metrics:\n  options:\n${lines.join("\n")}`)],
    variables: { BIG: "x".repeat(100_000) },
  });
  assert.match(found.join("\n"), /puts in more than 4194304 characters/);
});

test("interpolation of one reference in a secret's place refers to it, and copies nothing", async () => {
  const { cqi } = await load({
    sources: [service, file("database: { postgres: { password: '${DB_PASSWORD}' } }")],
    variables: { DB_PASSWORD: "canary" },
  });
  assert.deepEqual(cqi.database?.postgres?.password?.valueSource, {
    case: "env",
    value: "DB_PASSWORD",
  });
});

test("interpolation with text around it in a secret's place is refused, without the value (C5)", async () => {
  const found = await mistakes({
    sources: [service, file("database: { postgres: { password: 'x${DB_PASSWORD}' } }")],
    variables: { DB_PASSWORD: "canary" },
  });
  assert.match(found.join("\n"), /must say where the secret lies/);
  assert.doesNotMatch(found.join("\n"), /canary/);
});

test("interpolation of a variable with the prefix is no mistake of that variable", async () => {
  const found = await mistakes({
    sources: [service, file("server: { host: '${CQI_MY_HOST}' }"), env()],
    variables: { CQI_MY_HOST: "a" },
  });
  assert.deepEqual(found, []);
});

test("interpolation reads files beside the configuration and in the folders allowed, no others", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cqi-config-"));
  try {
    const inside = join(folder, "app");
    const outside = join(folder, "elsewhere");
    await mkdir(inside);
    await mkdir(outside);
    await writeFile(join(inside, "host"), "from-file\n");
    await writeFile(join(outside, "host"), "canary\n");
    await symlink(join(outside, "host"), join(inside, "link"));
    const load1 = async (path: string, secretFolders?: string[]) => {
      const text = `server: { host: "\${file:${path}}" }`;
      await writeFile(join(inside, "config.yaml"), text);
      const source = yaml(join(inside, "config.yaml"), secretFolders && { secretFolders });
      return { found: await mistakes({ sources: [service, source] }), sources: [service, source] };
    };
    const good = await load1("./host");
    assert.deepEqual(good.found, []);
    const { cqi, report } = await load({ sources: good.sources, variables: {} });
    assert.equal(cqi.server?.host, "from-file");
    assert.doesNotMatch(String(report), /from-file/);
    for (
      const path of [
        "../elsewhere/host",
        join(outside, "host"),
        "link",
        "/etc/hostname",
        "/etc/passwd",
      ]
    ) {
      const { found } = await load1(path);
      assert.match(found.join("\n"), /it lies outside the folders|it is missing/, path);
      assert.doesNotMatch(found.join("\n"), /canary|root:/);
    }
    assert.deepEqual((await load1(join(outside, "host"), [outside])).found, []);
    assert.match(
      (await load1("./nothing")).found.join("\n"),
      /needs the file '\.\/nothing'.*it is missing/,
    );
    assert.match((await load1(".")).found.join("\n"), /it is no regular file/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
