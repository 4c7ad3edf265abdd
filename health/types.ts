import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  Checkable,
  DurationInput,
  FetchHandler,
  HealthReport,
  HealthStatus,
  Instruments,
  WaitOptions,
} from "../core/mod.ts";
import type { HealthConfigSchema } from "../gen/ts/cqc/config/v1/mod.ts";
import type {
  ComponentKind,
  HealthCheckResponse,
  ProbeType,
} from "../gen/ts/cqc/infrastructure/v1/mod.ts";

/** The configuration section of health, as {@linkcode open} takes it. */
export type HealthConfigInit = MessageInitShape<typeof HealthConfigSchema>;

/** What the answers say of the service. */
export interface HealthService {
  /** Name of the service, such as `cqpm`. */
  readonly name: string;
  /** Version of the build. */
  readonly version: string;
  /** Which instance this is, such as the pod's name; shown to authorised callers only. */
  readonly instanceId?: string;
}

/** Settings of {@linkcode open} that are code, not configuration. */
export interface OpenOptions extends Partial<Instruments> {
  /** What the answers say of the service. */
  readonly service: HealthService;
  /**
   * Whether a caller may see versions, messages and details, where the configuration says
   * `authorized`. Anything but true, and a throw, means no. @default {nobody may}
   *
   * @param request What came in.
   */
  readonly isAuthorized?: (request: Request) => boolean | Promise<boolean>;
  /**
   * Whether a blocked event loop makes liveness fail. Needs a timer, which some edge runtimes
   * refuse outside of a request. @default {true}
   */
  readonly watchEventLoop?: boolean;
}

/**
 * Asks one thing for its health. Nothing or true is `ok`, false and a throw are `down`.
 *
 * @param options A signal that aborts at the timeout.
 */
export type HealthCheck = (
  options: WaitOptions,
) => HealthReport | boolean | void | Promise<HealthReport | boolean | void>;

/** How a component counts. */
export interface ComponentOptions {
  /** What it is. @default {ComponentKind.OTHER} */
  readonly kind?: ComponentKind;
  /** Whether the service is down without it; if not it is degraded. @default {true} */
  readonly critical?: boolean;
  /** Time that one check may take, 1 ms to 1 min. @default {the configuration's check_timeout} */
  readonly timeout?: DurationInput;
  /** Failed checks in a row before it is down. @default {the configuration's failure_threshold} */
  readonly failureThreshold?: number;
}

/** How a beat counts. */
export interface BeatOptions {
  /** Longest time between two ticks, 1 ms to 1 day. */
  readonly within: DurationInput;
}

/** The pulse of a loop that must not die: of a consumer, a relay, a scheduler. */
export interface HealthBeat {
  /** The loop is alive: call it on each turn. */
  tick(): void;
  /**
   * The loop ended by an error. Liveness fails once the time between two ticks is over, unless
   * the loop is started again and ticks.
   *
   * @param error What ended it; shown to authorised callers only.
   */
  fail(error: unknown): void;
  /** The loop ended on purpose and is not watched any more. Twice does nothing. */
  close(): void;
}

/** What {@linkcode Health.report} answers. */
export interface ReportOptions extends WaitOptions {
  /** Which question. @default {ProbeType.READINESS} */
  readonly probe?: ProbeType;
}

/** The health of one service: its components, its lifecycle, and the answers to probes. */
export interface Health extends AsyncDisposable {
  /**
   * Watches a component: readiness depends on it, liveness never does.
   *
   * @param name Unique within the service, such as `database`.
   * @param check What to ask: a bus, database or cache itself, or a function.
   * @param options Kind, whether it is critical, limits.
   * @returns Stops watching it.
   */
  add(name: string, check: Checkable | HealthCheck, options?: ComponentOptions): () => void;
  /**
   * Watches a loop: liveness fails when it has not ticked in time.
   *
   * @param name Unique among the loops of the service, such as `orders-consumer`.
   * @param options How often it ticks at least.
   */
  beat(name: string, options: BeatOptions): HealthBeat;
  /** The start-up work is done: startup answers 200, readiness by components. */
  started(): void;
  /** The service is ending: readiness answers 503, liveness 200 whatever loops do. */
  draining(): void;
  /**
   * The whole answer, with messages and details. Checks run at the same time, each once for all
   * who ask, and their results are used again for the configured time. A check that is slow does
   * not hold up the answer while a recent result of it is known.
   *
   * @param options Which question, and a signal that ends the wait of this caller.
   */
  report(options?: ReportOptions): Promise<HealthCheckResponse>;
  /**
   * Answers `live`, `ready` and `startup` under the configured path with 200 or 503 and a
   * `HealthCheckResponse`; 404 elsewhere.
   */
  readonly handler: FetchHandler;
  /**
   * Calls a function whenever the service goes from one status to another, as far as checks that
   * somebody asked for show it.
   *
   * @param listener Gets the new status; what it throws is logged.
   * @returns Stops the calls.
   */
  onChange(listener: (status: HealthStatus) => void): () => void;
  /** Ends checks and timers; readiness answers 503 from now on. Closing twice does nothing. */
  close(): Promise<void>;
}
