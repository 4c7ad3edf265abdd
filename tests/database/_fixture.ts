import { create } from "@bufbuild/protobuf";
import { setImmediate } from "node:timers";
import {
  type Attributes,
  type Instruments,
  instruments,
  type Metrics,
  noopMetrics,
  noopTracer,
  type Tracer,
} from "../../core/mod.ts";
import {
  type MockDatabase,
  mockDatabase,
  type MockDatabaseOptions,
} from "../../database/drivers/mock.ts";
import {
  type Database,
  type DatabaseConfigInit,
  type DatabaseDriver,
  type DriverConnection,
  type DriverResult,
  open,
  type OpenOptions,
} from "../../database/mod.ts";
import { DatabaseConfigSchema } from "../../gen/ts/cqc/config/v1/mod.ts";
import { type FakeClock, fakeClock } from "../../testing/fake_clock.ts";

/** Lets all promise callbacks run. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

/** A fake clock that lets promise callbacks run before it moves and after. */
function patientClock(): FakeClock {
  const clock = fakeClock();
  const advance = async (ms: number): Promise<void> => {
    await settle();
    await clock.advance(ms);
    await settle();
  };
  return {
    ...clock,
    advance,
    get pending() {
      return clock.pending;
    },
  };
}

/** A database on a mock. */
export interface MockFixture extends AsyncDisposable {
  readonly db: Database;
  readonly mock: MockDatabase;
  readonly clock: FakeClock;
}

/** Opens a database on a mock and a fake clock. */
export async function onMock(
  options: OpenOptions & MockDatabaseOptions & { readonly section?: DatabaseConfigInit } = {},
): Promise<MockFixture> {
  const mock = mockDatabase(options);
  const clock = patientClock();
  const db = await open({ ...options.section, driver: "mock" }, {
    clock,
    ...options,
    drivers: { mock: () => mock },
  });
  return { db, mock, clock, [Symbol.asyncDispose]: () => db.close() };
}

/** A span that was made. */
export interface SeenSpan {
  readonly name: string;
  readonly attributes: Record<string, unknown>;
  failed: boolean;
}

/** A tracer that keeps its spans. */
export function keepingTracer(): Tracer & { readonly spans: readonly SeenSpan[] } {
  const spans: SeenSpan[] = [];
  return {
    ...noopTracer,
    spans,
    span(name, options, fn) {
      const seen: SeenSpan = { name, attributes: { ...options.attributes }, failed: false };
      spans.push(seen);
      return fn({
        context: { traceId: "0".repeat(32), spanId: "0".repeat(16), traceFlags: 0 },
        set: (attributes: Attributes) => void Object.assign(seen.attributes, attributes),
        event() {},
        fail: () => void (seen.failed = true),
        end() {},
      });
    },
  };
}

/** Metrics that keep values by name and labels; a histogram keeps how often. */
export function keepingMetrics(values: Record<string, number>): Metrics {
  const make = (name: string, label: string) => {
    const id = `${name}{${label}}`;
    const add = (value = 1): void => void (values[id] = (values[id] ?? 0) + value);
    return { add, set: (value: number) => void (values[id] = value), observe: () => add(1) };
  };
  const family = (options: { readonly name: string }) => ({
    ...make(options.name, ""),
    with: (labels: Readonly<Record<string, string>>) =>
      make(options.name, Object.values(labels).join(",")),
  });
  return { ...noopMetrics, counter: family, gauge: family, histogram: family };
}

const EMPTY: DriverResult = { command: "SELECT", count: 0, columns: [], rows: [] };

/** A connection whose answers a test decides. */
export interface HandConnection extends DriverConnection {
  broken: boolean;
  isClosed: boolean;
}

/** A driver in the test's hands. */
export interface HandDriver extends DatabaseDriver {
  readonly opened: HandConnection[];
  /** Statements as they were sent. */
  readonly sent: string[];
  /** Answers a statement; replaced by tests. */
  answer: (text: string, signal: AbortSignal | undefined) => Promise<DriverResult>;
  /** Lets a connection come; replaced by tests. */
  arrive: (signal: AbortSignal | undefined) => Promise<void>;
  isClosed: boolean;
}

/** Makes a driver in the test's hands. */
export function handDriver(): HandDriver {
  const driver: HandDriver = {
    name: "hand",
    features: {
      cancel: true,
      parallel: true,
      cursors: false,
      advisoryLocks: false,
      listen: false,
      copy: false,
    },
    opened: [],
    sent: [],
    isClosed: false,
    answer: () => Promise.resolve(EMPTY),
    arrive: () => Promise.resolve(),
    async connect({ signal }) {
      await driver.arrive(signal);
      const connection: HandConnection = {
        broken: false,
        isClosed: false,
        query: (text, _params, options) => {
          driver.sent.push(text);
          return driver.answer(text, options.signal);
        },
        script: async () => {},
        close() {
          connection.broken = true;
          connection.isClosed = true;
          return Promise.resolve();
        },
      };
      driver.opened.push(connection);
      return connection;
    },
    close() {
      driver.isClosed = true;
      return Promise.resolve();
    },
  };
  return driver;
}

/** Opens a database on a driver in the test's hands, on a fake clock. */
export async function onHand(
  section: DatabaseConfigInit = {},
  { settings, ...options }: OpenOptions & Pick<DatabaseDriver, "settings"> = {},
): Promise<{ db: Database; driver: HandDriver; clock: FakeClock }> {
  const driver = handDriver();
  const shown = settings === undefined ? driver : { ...driver, settings };
  const clock = patientClock();
  const db = await open({ ...section, driver: "hand" }, {
    clock,
    ...options,
    drivers: { hand: () => ({ createDriver: () => shown }) },
  });
  return { db, driver, clock };
}

/** Configuration and instruments for drivers that are made by hand. */
export const DEFAULTS: [ReturnType<typeof create<typeof DatabaseConfigSchema>>, Instruments] = [
  create(DatabaseConfigSchema),
  instruments(),
];
