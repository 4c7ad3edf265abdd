import type { Difference } from "../../tools/test_runner/differences.ts";

/**
 * Tests that are known to end in another way on one runtime. Compared both ways: what differs and
 * is not here fails the run, and so does what is here and does not differ.
 */
export const DIFFERENCES: readonly Difference[] = [];
