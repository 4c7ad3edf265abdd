import { toJsonString } from "@bufbuild/protobuf";
import { CqiError, problemResponse } from "../errors/mod.ts";
import {
  type HealthCheckResponse,
  HealthCheckResponseSchema,
  ProbeType,
  ServiceStatus,
} from "../gen/ts/cqc/infrastructure/v1/mod.ts";
import { publicAnswer } from "./_answer.ts";

/** Who sees what, and where it is asked. */
export interface HandlerSettings {
  /** Path under which the probes answer, such as `/health`. */
  readonly path: string;
  /** Who sees all of an answer. */
  readonly details: "never" | "authorized" | "always";
  /** Decides for `authorized`; never rejects. */
  readonly isAuthorized: (request: Request) => Promise<boolean>;
  /** Makes the whole answer. */
  readonly report: (probe: ProbeType) => Promise<HealthCheckResponse>;
}

const SERVING: readonly number[] = [ServiceStatus.HEALTHY, ServiceStatus.DEGRADED];

/** Makes the handler of the probes. */
export function createHandler(settings: HandlerSettings): (request: Request) => Promise<Response> {
  const base = settings.path.replace(/\/$/, "");
  const probes = new Map<string, ProbeType>([
    [`${base}/live`, ProbeType.LIVENESS],
    [`${base}/ready`, ProbeType.READINESS],
    [`${base}/startup`, ProbeType.STARTUP],
    [base === "" ? "/" : base, ProbeType.READINESS],
  ]);
  return async (request) => {
    const probe = probes.get(new URL(request.url).pathname);
    if (probe === undefined) {
      return problemResponse(new CqiError("CQI_NOT_FOUND", "Cannot find a probe of this path"));
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      return new Response(null, { status: 405, headers: { allow: "GET, HEAD" } });
    }
    const [answer, showsAll] = await Promise.all([
      settings.report(probe),
      settings.details === "authorized"
        ? settings.isAuthorized(request)
        : settings.details === "always",
    ]);
    const shown = showsAll ? answer : publicAnswer(answer, settings.details !== "never");
    const body = toJsonString(HealthCheckResponseSchema, shown, { useProtoFieldName: true });
    return new Response(request.method === "HEAD" ? null : body, {
      status: SERVING.includes(answer.status) ? 200 : 503,
      headers: { "content-type": "application/json", "cache-control": "no-store" },
    });
  };
}
