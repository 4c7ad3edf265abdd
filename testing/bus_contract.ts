import type { Bus, BusFeatures, EventBusConfigInit, OpenOptions } from "../bus/mod.ts";
import { deliveryTests } from "./_bus_delivery_tests.ts";
import { failureTests } from "./_bus_failure_tests.ts";
import { groupTests } from "./_bus_group_tests.ts";
import { lifecycleTests } from "./_bus_lifecycle_tests.ts";
import { operatorTests } from "./_bus_operator_tests.ts";
import { orderTests } from "./_bus_order_tests.ts";
import { registerSuite } from "./_suite.ts";

/** A backend that the suite opens buses on. */
export interface BusBackend {
  /**
   * Opens one more bus on the same broker.
   *
   * @param section Settings that a test needs; driver and addresses are the backend's to add.
   * @param options Logger, service and so on.
   */
  open(section?: EventBusConfigInit, options?: Omit<OpenOptions, "drivers">): Promise<Bus>;
}

/**
 * The suite that every bus driver must pass: delivery, order, failure and lifecycle as the bus
 * promises them. What a driver does not declare is skipped by that name.
 *
 * @param subject Name of what is under test, put before each test's name.
 * @param backend The backend, shared by all tests; topics are fresh in each.
 * @param features What the driver declares.
 */
export function busContract(subject: string, backend: BusBackend, features: BusFeatures): void {
  registerSuite(subject, { ...features }, [
    ...deliveryTests(backend),
    ...groupTests(backend),
    ...orderTests(backend),
    ...failureTests(backend),
    ...lifecycleTests(backend),
    ...operatorTests(backend),
  ]);
}
