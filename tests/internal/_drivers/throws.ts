// A driver that fails while it loads, in words that sound like a missing package.

throw new Error("Cannot find module: certificate file not found");

export const createDriver = (): string => "driver";
