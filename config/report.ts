import { looksSecret, withoutUserinfo } from "./_hidden.ts";
import type { Findings } from "./_problems.ts";

/** One setting as it took effect. */
export interface ReportLine {
  /** The setting: `server.http_port`. */
  readonly path: string;
  /** Its value as it was written; `[redacted]` for a secret. */
  readonly value: string;
  /** Where it was set: `config.yaml:12`, or the name of a variable. */
  readonly source: string;
}

/** What was configured, and where. Safe to log: secrets are not in it. */
export interface ConfigReport {
  /** The environment whose files were read; undefined when no source asked. */
  readonly environment: string | undefined;
  /** All settings that some source set, in the order of their names. */
  readonly lines: readonly ReportLine[];
  /** The lines as text: `server.http_port = 8080 from config.yaml:12`. */
  toString(): string;
}

const REDACTED = "[redacted]";
const MAX_SHOWN = 200;

/** Makes the report of what was found. */
export function reportOf(findings: Findings, environment: string | undefined): ConfigReport {
  const lines: ReportLine[] = [];
  for (const [path, { at, text, hidden }] of findings.places) {
    if (text === undefined) continue;
    lines.push({ path, value: shown(path, text, hidden === true), source: at });
  }
  lines.sort((a, b) => a.path < b.path ? -1 : 1);
  return {
    environment,
    lines,
    toString: () =>
      lines.map(({ path, value, source }) => `${path} = ${value} from ${source}`).join("\n"),
  };
}

function shown(path: string, text: string, hidden: boolean): string {
  // A reference tells where a secret lies, which is no secret.
  const reference = /^(?:variable|file) /.test(text) || /\.(?:env|file)$/.test(path);
  // Below a section, since `secrets` itself holds none.
  const name = path.slice(path.indexOf(".") + 1);
  if (hidden || (looksSecret(name) && !reference)) return REDACTED;
  const safe = withoutUserinfo(text);
  return safe.length > MAX_SHOWN ? `${safe.slice(0, MAX_SHOWN)}…` : safe;
}
