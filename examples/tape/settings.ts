import { config } from "../../mod.ts";

const uuid = (): config.Field<string> => config.text({ minLength: 36, maxLength: 36 });

/** The `tape` section of the configuration: what is traded, and how. */
export const tapeSection = config.fields({
  marketId: uuid(),
  instrumentId: uuid(),
  baseAssetId: uuid(),
  quoteAssetId: uuid(),
  venueId: config.text(),
  portfolioId: uuid(),
  accountId: uuid(),
  startingCash: config.decimal(),
  feeRate: config.decimal(),
  orderQuantity: config.decimal(),
  thresholdBps: config.decimal(),
  maxPosition: config.decimal(),
  alertPosition: config.decimal(),
  outbox: config.flag({ default: false }),
});

/** The section, read. */
export type TapeSettings = config.SectionOutput<typeof tapeSection>;
