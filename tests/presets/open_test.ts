import assert from "node:assert/strict";
import { test } from "node:test";
import * as server from "../../mod.ts";
import * as edge from "../../presets/edge.ts";

type Open = (section: unknown, options?: object) => unknown;

const opens = (preset: object): readonly (readonly [name: string, open: Open])[] =>
  Object.entries(preset).flatMap(([name, space]: [string, { open?: Open }]) =>
    // The service checks its sections itself: they come from config.load().
    space.open === undefined || name === "service" ? [] : [[name, space.open] as const]
  );

for (const [preset, spaces] of Object.entries({ server, edge })) {
  for (const [name, open] of opens(spaces)) {
    test(`${name}.open() of ${preset} refuses a section that is no object`, async () => {
      for (const section of ["memory", 1, true, null, [], () => {}]) {
        const expected = {
          code: "CQI_OPTION_INVALID",
          message: RegExp(`Cannot open ${name}: its`),
        };
        await assert.rejects(async () => await open(section, {}), expected);
      }
    });
  }
}
