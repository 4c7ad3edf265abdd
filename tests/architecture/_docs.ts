// Rule 10: documented entry points, no slow types, examples that run.

import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { importsOf } from "./_imports.ts";
import { entriesOf } from "./_manifest.ts";
import { type FileMap, libraryFiles, parse, ROOT } from "./_project.ts";

/** What a command of Deno wrote and whether it succeeded. */
export interface Outcome {
  /** Whether it exited with 0. */
  readonly ok: boolean;
  /** Both streams. */
  readonly text: string;
}

/**
 * Runs Deno in a checkout.
 *
 * @param args Its arguments.
 * @param cwd Path of the checkout.
 */
export function deno(args: readonly string[], cwd: string = ROOT): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { cwd, env: { ...Deno.env.toObject(), NO_COLOR: "1" }, maxBuffer: 2 ** 28 };
    execFile(Deno.execPath(), [...args], options, (error, stdout, stderr) => {
      // What is checked is of no use to who reads a failure.
      const text = `${stdout}\n${stderr.replace(/^Check .*\n/gm, "")}`;
      resolve({ ok: error === null, text });
    });
  });
}

const LINT_REGEXP = /^error\[([\w-]+)\]: (.*)\n\s*--> (.+?):(\d+)/gm;
const REFERENCE_REGEXP = /references private type '([^']+)'/;

/** Whether a file has a name from protobuf-es or from the generated contracts. */
function isContractType(path: string, text: string, name: string): boolean {
  const source = parse(path, text);
  const used = source.statements.filter((statement) =>
    new RegExp(`\\b${name}\\b`).test(statement.getText()) && /^import\b/.test(statement.getText())
  ).map((statement) => statement.getText()).join("\n");
  return importsOf(path, used).some((edge) =>
    edge.to.startsWith("@bufbuild/protobuf") || edge.to.startsWith("gen/")
  );
}

/**
 * What `deno doc --lint` says of entry points, in one call, less what is wanted: types of messages
 * and descriptors in signatures, and generated code, which lacks comments on its schemas.
 *
 * @param entries Paths of entry points.
 * @param read Gives a file's text by its absolute path.
 */
export async function docLint(
  entries: readonly string[],
  read: (path: string) => string,
): Promise<string[]> {
  const { text } = await deno(["doc", "--lint", "--config", `${ROOT}deno.json`, ...entries]);
  const found = new Set<string>();
  for (const [, rule, message, file, line] of text.matchAll(LINT_REGEXP)) {
    const path = file!.replace(ROOT, "");
    if (path.startsWith("gen/")) continue;
    const name = rule === "private-type-ref" ? REFERENCE_REGEXP.exec(message!)?.[1] : undefined;
    if (name !== undefined && isContractType(path, read(file!), name)) continue;
    found.add(`${path}:${line} ${rule}: ${message}`);
  }
  if (!/Found \d+ documentation lint error|Checked \d+ file/.test(text)) found.add(text.trim());
  return [...found];
}

/**
 * The files that would be published, from what the dry run says.
 *
 * @param cwd Path of the checkout.
 */
export async function publishDryRun(
  cwd: string = ROOT,
): Promise<{ readonly outcome: Outcome; readonly files: readonly string[] }> {
  const outcome = await deno(["publish", "--dry-run", "--allow-dirty"], cwd);
  const files = [...outcome.text.matchAll(/^\s+file:\/\/(\S+) \(.*\)$/gm)]
    .map((match) => decodeURIComponent(match[1]!).replace(cwd.replace(/\/?$/, "/"), ""));
  return { outcome, files };
}

/** A code block in a comment or in a page. */
export interface Fence {
  /** `path:line` of its first line. */
  readonly where: string;
  /** What stands after the backticks, such as `ts`. */
  readonly info: string;
  /** The code. */
  readonly code: string;
}

const FENCE_REGEXP =
  /^([ \t]*(?:\*[ \t])?[ \t]*)```([^\n`]*)\n([\s\S]*?)^[ \t]*(?:\*[ \t])?[ \t]*```/gm;

/**
 * The code blocks of a page, or of a source file's doc comments.
 *
 * @param path For messages.
 * @param text The file.
 */
export function fencesOf(path: string, text: string): Fence[] {
  return [...text.matchAll(FENCE_REGEXP)].map((match) => ({
    where: `${path}:${text.slice(0, match.index).split("\n").length}`,
    info: match[2]!.trim(),
    code: match[3]!,
  }));
}

/**
 * The pages that people read.
 *
 * @param files All files.
 */
export function pages(files: FileMap): [path: string, text: string][] {
  return [...files].filter(([path]) => path.endsWith(".md") && !path.startsWith("tests/"));
}

const TS_REGEXP = /^(?:ts|typescript|js|javascript)\b/;

/** Examples in comments prove what they say. */
export function examplesAssert(files: FileMap): string[] {
  return libraryFiles(files).flatMap(([path, text]) => fencesOf(path, text))
    .filter((fence) => TS_REGEXP.test(fence.info) && !/\bassert\b/.test(fence.code))
    .map((fence) => `${fence.where} asserts nothing`);
}

/** No example is kept from running. */
export function examplesRun(files: FileMap): string[] {
  return [...libraryFiles(files), ...pages(files)].flatMap(([path, text]) => fencesOf(path, text))
    .filter((fence) => /^(?:ts|typescript|js|javascript)[\s,]+\S/.test(fence.info))
    .map((fence) => `${fence.where} is marked '${fence.info}'`);
}

/** Each module's own text has an example. */
export function entriesHaveExamples(files: FileMap): string[] {
  return [...entriesOf(files).values()].filter((path) => path.endsWith("mod.ts"))
    .filter((path) => !path.startsWith("gen/") && files.has(path))
    .filter((path) => !fencesOf(path, files.get(path)!).some((fence) => TS_REGEXP.test(fence.info)))
    .map((path) => `${path} has no example`);
}

/** Every subpath that a page or a comment names exists. */
export function namedSubpathsExist(files: FileMap): string[] {
  const keys = new Set(entriesOf(files).keys());
  return [...libraryFiles(files), ...pages(files)].flatMap(([path, text]) =>
    // A symbol's name is no subpath, and the path of a file is no import.
    [...text.matchAll(/(?<!Symbol\.for\("|node_modules\/)@cq\/cqi((?:\/[a-z0-9-]+)+)/g)]
      .filter((match) => !keys.has(`.${match[1]}`))
      .map((match) => `${path} names ${match[0]}, which is not exported`)
  );
}

/** A text without its code blocks, in which brackets are no links. */
function withoutCode(text: string): string {
  return text.replace(/^[ \t]*```[\s\S]*?^[ \t]*```/gm, "").replace(/`[^`\n]*`/g, "");
}

/** The anchor that a heading gets: small letters, dashes for spaces, no other marks. */
function anchorOf(heading: string): string {
  return heading.trim().toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/\s/g, "-");
}

function anchorsOf(text: string): Set<string> {
  const prose = text.replace(/^[ \t]*```[\s\S]*?^[ \t]*```/gm, "");
  return new Set([...prose.matchAll(/^#{1,6} (.*)$/gm)].map((match) => anchorOf(match[1]!)));
}

const LINK_REGEXP = /\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)|^\[[^\]\n]+\]:\s+(\S+)/gm;

/** Every relative link of a page points to a file or folder that is there, and to a heading of it. */
export function linksExist(files: FileMap): string[] {
  const paths = [...files.keys()];
  return pages(files).flatMap(([path, text]) =>
    [...withoutCode(text).matchAll(LINK_REGEXP)].flatMap((match) => {
      const link = match[1] ?? match[2] ?? "";
      if (/^[a-z][a-z+.-]*:/i.test(link)) return [];
      const url = new URL(link, `file:///${path}`);
      const target = decodeURIComponent(url.pathname.slice(1)).replace(/\/$/, "");
      const there = files.has(target) || paths.some((each) => each.startsWith(`${target}/`)) ||
        existsSync(ROOT + target);
      if (!there) return [`${path} links to ${link}, which does not exist`];
      const page = files.get(target);
      const anchor = decodeURIComponent(url.hash.slice(1));
      if (anchor === "" || page === undefined || !target.endsWith(".md")) return [];
      return anchorsOf(page).has(anchor)
        ? []
        : [`${path} links to ${link}, which has no such heading`];
    })
  );
}

/** Paths of one machine, and the address of one machine's registry. */
const MACHINE_REGEXP =
  /(?<![\w.~*-])\/(?:work|opt|home|root|Users|private\/var|mnt|workspace)\/[\w.-]+|(?<![\w])[A-Z]:\\\w+|\/tmp\/[\w.-]+|https?:\/\/(?:localhost|127\.0\.0\.1):(?:4873|8081)\b/g;

/** Files that name such a path as an example of one, and why. */
const NAMES_PATHS: Readonly<Record<string, string>> = {
  "tests/architecture/docs_test.ts": "plants them",
};

/** No page or source names a path of the machine that it was written on. */
export function noMachinePaths(files: FileMap): string[] {
  return [...files].filter(([path]) => !path.startsWith("gen/") && !(path in NAMES_PATHS))
    .flatMap(([path, text]) =>
      [...text.matchAll(MACHINE_REGEXP)].map((match) => {
        const line = text.slice(0, match.index).split("\n").length;
        return `${path}:${line} names ${match[0]}`;
      })
    );
}

/** The code of a block as a module: without the stars of its comment. */
function moduleOf(fence: Fence): string {
  const isComment = !/\.md:\d+$/.test(fence.where);
  const code = isComment ? fence.code.replace(/^[ \t]*\* ?/gm, "") : fence.code;
  // What has no import or export would not be a module.
  return `${code}\nexport {};\n`;
}

/** Runs one example after the other, and says which failed. */
const RUN_ALL = `
let failed = 0;
for (const [where, run] of examples) {
  try {
    await run();
  } catch (error) {
    failed += 1;
    console.error("FAILED " + where + "\\n", error);
  }
}
console.log(examples.length + " examples, " + failed + " failed");
if (failed > 0) Deno.exitCode = 1;
`;

/**
 * Type-checks and runs the examples of files: doc comments of sources, code blocks of pages. Each is
 * a module, and all are of one process: a process for each takes a second for each.
 *
 * @param paths Files, relative to the root or absolute.
 */
export async function runExamples(paths: readonly string[]): Promise<Outcome> {
  const fences = paths.flatMap((path) => fencesOf(path, readFileSync(resolve(ROOT, path), "utf8")))
    .filter((fence) => TS_REGEXP.test(fence.info));
  const folder = mkdtempSync(join(tmpdir(), "cqi-examples-"));
  try {
    const lines = fences.map((fence, i) => {
      const name = `./${i}_${fence.where.replace(/[^a-z0-9]+/gi, "_")}.ts`;
      writeFileSync(join(folder, name), moduleOf(fence));
      return `  [${JSON.stringify(fence.where)}, () => import(${JSON.stringify(name)})],\n`;
    });
    const table = `const examples: [string, () => Promise<unknown>][] = [\n${lines.join("")}];\n`;
    writeFileSync(join(folder, "main.ts"), table + RUN_ALL);
    return await deno([
      "run",
      "-A",
      "--check",
      "--config",
      `${ROOT}deno.json`,
      `${folder}/main.ts`,
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
