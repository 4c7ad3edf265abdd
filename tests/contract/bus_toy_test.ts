import { open } from "../../bus/mod.ts";
import { busContract } from "../../testing/bus_contract.ts";
import { TOY_FEATURES, toyDrivers } from "./_toy_bus.ts";

const drivers = toyDrivers();

busContract("bus toy", {
  open: (section, options) =>
    open({ ...section, driver: "toy" } as object, { ...options, drivers }),
}, TOY_FEATURES);
