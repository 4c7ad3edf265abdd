// PostgreSQL's ISO date style (Date/Time Output, 8.5.2), which is its default and is set on every
// session that has settings.
const TIMESTAMPTZ_REGEXP =
  /^(\d{4,6})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?( BC)?$/;

/**
 * A `timestamptz` as a Date: microseconds are cut to milliseconds. Undefined for `infinity` and for
 * moments that a Date cannot say.
 */
export function parseTimestamptz(text: string): Date | undefined {
  const match = TIMESTAMPTZ_REGEXP.exec(text);
  if (match === null) return undefined;
  const part = (i: number): number => Number(match[i] ?? 0);
  // The year before 1 AD is 1 BC, which a Date calls 0.
  const year = match[12] === undefined ? part(1) : 1 - part(1);
  const date = new Date(0);
  date.setUTCFullYear(year, part(2) - 1, part(3));
  date.setUTCHours(part(4), part(5), part(6), Number((match[7] ?? "").slice(0, 3).padEnd(3, "0")));
  const offsetMs = (part(9) * 3600 + part(10) * 60 + part(11)) * 1000;
  date.setTime(date.getTime() - (match[8] === "-" ? -offsetMs : offsetMs));
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/**
 * A `timestamptz` as text of RFC 3339, in UTC and with its microseconds: the JSON of a
 * `google.protobuf.Timestamp`. Undefined as with `parseTimestamptz`.
 */
export function timestampText(text: string): string | undefined {
  const date = parseTimestamptz(text);
  const fraction = /\.\d{4,6}/.exec(text)?.[0];
  return fraction === undefined
    ? date?.toISOString()
    : date?.toISOString().replace(/\.\d{3}/, fraction);
}

/**
 * A Date as `timestamptz` input, in UTC. Undefined for an invalid one. Not `toISOString`, whose
 * six-digit and negative years PostgreSQL does not read.
 */
export function dateText(date: Date): string | undefined {
  if (Number.isNaN(date.getTime())) return undefined;
  const year = date.getUTCFullYear();
  const pad = (value: number, width: number): string => String(value).padStart(width, "0");
  const day = `${pad(year > 0 ? year : 1 - year, 4)}-${pad(date.getUTCMonth() + 1, 2)}-${
    pad(date.getUTCDate(), 2)
  }`;
  const time = `${pad(date.getUTCHours(), 2)}:${pad(date.getUTCMinutes(), 2)}:${
    pad(date.getUTCSeconds(), 2)
  }.${pad(date.getUTCMilliseconds(), 3)}`;
  return `${day} ${time}+00${year > 0 ? "" : " BC"}`;
}
