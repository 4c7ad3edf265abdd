/**
 * Auth: recognises callers by JSON Web Token or API key, and keeps others out. Strict where it
 * counts: algorithms come from the configuration, expiry is required, keys are stored as hashes,
 * and all refusals look the same from outside.
 *
 * A token comes as `Authorization: Bearer TOKEN`, an API key as `X-API-Key: KEY` or
 * `Authorization: ApiKey KEY`; never both, never in the query.
 *
 * @example Guard a handler
 * ```ts
 * import { compose } from "@cq/cqi/core";
 * import { createApiKey, open } from "@cq/cqi/auth";
 * import { PrincipalType } from "@cq/cqi/cqc/auth/v1";
 * import assert from "node:assert/strict";
 *
 * const { key, entry } = await createApiKey({
 *   principal: { principalId: "cqpm", type: PrincipalType.SERVICE },
 *   scopes: ["positions:read"],
 * });
 * await using guard = await open({ apiKeys: [entry] });
 * const handler = compose(guard.require("positions:read"))(() => new Response("secret"));
 *
 * const headers = { "x-api-key": key.reveal() };
 * assert.equal((await handler(new Request("http://localhost/", { headers }))).status, 200);
 * assert.equal((await handler(new Request("http://localhost/"))).status, 401);
 * ```
 *
 * @module
 */
export { createApiKey, type CreateApiKeyOptions, type CreatedApiKey } from "./create_api_key.ts";
export { forwardedFor } from "./forwarded_for.ts";
export { open } from "./open.ts";
export type {
  AuthConfigInit,
  AuthPolicy,
  CredentialSource,
  FetchLike,
  Guard,
  OpenOptions,
} from "./types.ts";
