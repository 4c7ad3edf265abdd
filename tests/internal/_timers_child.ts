// Ends when the last timer that holds it has fired; the one in the background would take an hour.

import { writeSync } from "node:fs";
import { systemClock } from "../../internal/clock.ts";

systemClock.timer(() => writeSync(1, "background\n"), 3_600_000, { background: true });
systemClock.timer(() => writeSync(1, "background\n"), Infinity, { background: true });
systemClock.timer(() => writeSync(1, "foreground\n"), 50);
