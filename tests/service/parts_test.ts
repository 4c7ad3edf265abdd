import assert from "node:assert/strict";
import { test } from "node:test";
import { auth, core } from "../../mod.ts";
import { PrincipalType } from "../../gen/ts/cqc/auth/v1/mod.ts";
import { openService, recordingSink } from "./_kit.ts";

const principal = { principalId: "ada", type: PrincipalType.USER };

test("open() refuses a part that there is not, with those that there are", async () => {
  await assert.rejects(openService(["cach" as "cache"]), {
    code: "CQI_OPTION_INVALID",
    message: /'uses': it must be one of 'auth', 'bus', 'cache', 'database'/,
  });
  await assert.rejects(openService("cache" as never), { code: "CQI_OPTION_INVALID" });
});

test("uses: ['auth'] guards routes by the section of the configuration", async () => {
  const { key, entry } = await auth.createApiKey({ principal, scopes: ["positions:read"] });
  await using app = await openService(["auth"], { auth: { apiKeys: [entry] } });
  const { url } = await app.serve(
    core.compose(app.auth.require("positions:read"))((_request, context) =>
      new Response(context.auth?.principal?.principalId)
    ),
  );
  const asked = await fetch(url, { headers: { "x-api-key": key.reveal() } });
  assert.equal(await asked.text(), "ada");
  assert.equal((await fetch(url)).status, 401);
});

test("uses: ['auth'] resolves references to secrets, and says which one it cannot", async () => {
  const { entry } = await auth.createApiKey({ principal, scopes: [] });
  const pepper = { valueSource: { case: "env" as const, value: "CQI_TEST_NOT_SET" } };
  await assert.rejects(
    openService(["auth"], { auth: { apiKeys: [entry], apiKey: { pepper } } }),
    { code: "CQI_SERVICE_START", message: /at its auth: .*pepper of API keys cannot be resolved/ },
  );
});

test("The option auth reaches the guard", async () => {
  const { key, entry } = await auth.createApiKey({ principal, scopes: [] });
  await using app = await openService(["auth"], { auth: { apiKeys: [entry] } }, {
    auth: { isRevoked: () => true },
  });
  const headers = new Headers({ "x-api-key": key.reveal() });
  await assert.rejects(app.auth.authenticate({ headers }), { code: "CQI_UNAUTHENTICATED" });
});

test("Section auth without the part is warned of, and not otherwise", async () => {
  const warned = async (uses: "auth"[], config: Parameters<typeof openService>[1]) => {
    const sink = recordingSink();
    await using _app = await openService(uses, config, { sink });
    return sink.lines.filter(({ level }) => level === "warn").map(({ message }) => message);
  };
  assert.match(String((await warned([], { auth: {} }))[0]), /Section 'auth' is not used/);
  assert.deepEqual(await warned(["auth"], { auth: {} }), []);
  assert.deepEqual(await warned([], {}), []);
});

test("isAuthorized decides who sees the details of the probes", async () => {
  await using app = await openService(["cache"], {}, {
    isAuthorized: (request) => request.headers.get("x-operator") === "yes",
  });
  const { url } = await app.serve();
  const seen = async (headers: Record<string, string>): Promise<string> =>
    await (await fetch(`${url}/health/ready`, { headers })).text();
  assert.match(await seen({ "x-operator": "yes" }), /"service_version":"1.0.0"/);
  assert.match(await seen({}), /"service_version":"hidden"/);
});
