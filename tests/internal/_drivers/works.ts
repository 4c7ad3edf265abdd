// A driver that loads.

export const createDriver = (): string => "driver";
