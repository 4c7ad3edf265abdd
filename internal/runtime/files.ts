// Files, asked for by the function that Deno, Node and Bun have in common rather than by an import
// of node:fs, so that an edge bundle needs no such module.

interface Handle {
  read(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: null,
  ): Promise<{ bytesRead: number }>;
  close(): Promise<void>;
}

interface FileSystem {
  open(path: string, flags: string): Promise<Handle>;
  stat(path: string): Promise<{ isFile(): boolean; readonly size: number }>;
  realpath(path: string): Promise<string>;
}

interface PathTools {
  resolve(...parts: string[]): string;
  dirname(path: string): string;
  relative(from: string, to: string): string;
  isAbsolute(path: string): boolean;
}

interface Builtins {
  getBuiltinModule?: (id: string) => unknown;
}

/** What became of reading a file. */
export type FileResult =
  | { readonly kind: "read"; readonly text: string }
  /** There is no such file, or no file system. */
  | { readonly kind: "missing" }
  /** It is there and cannot be used; `reason` ends a sentence and shows nothing of the content. */
  | { readonly kind: "refused"; readonly reason: string };

/** Bounds of reading a file. */
export interface ReadFileOptions {
  /** Largest size in bytes. */
  readonly maxBytes: number;
  /** Folders that the file must lie in, links followed. Undefined allows any. */
  readonly within?: readonly string[] | undefined;
}

function builtin<T>(id: string): T | undefined {
  const { process } = globalThis as { process?: Builtins };
  return process?.getBuiltinModule?.(id) as T | undefined;
}

function paths(): PathTools | undefined {
  return builtin<PathTools>("node:path");
}

/** The folder that a file lies in, absolute; the path itself where there is no file system. */
export function folderOf(path: string): string {
  const tools = paths();
  return tools === undefined ? path : tools.dirname(tools.resolve(path));
}

/** A path taken from a folder, absolute; as it is where there is no file system. */
export function resolveFrom(folder: string, path: string): string {
  return paths()?.resolve(folder, path) ?? path;
}

/**
 * Reads a file as UTF-8. Regular files only, so that a pipe cannot block and a device cannot go on
 * for ever; the size is bounded while reading, since some files do not tell it.
 *
 * @param path The file.
 * @param options Bounds.
 */
export async function readTextFile(path: string, options: ReadFileOptions): Promise<FileResult> {
  const fs = builtin<FileSystem>("node:fs/promises");
  if (fs === undefined) return { kind: "missing" };
  if (path.includes("\0")) return { kind: "refused", reason: "its path holds a NUL character" };
  try {
    if (!(await fs.stat(path)).isFile()) {
      return { kind: "refused", reason: "it is no regular file" };
    }
    if (options.within !== undefined && !(await isWithin(fs, path, options.within))) {
      return { kind: "refused", reason: "it lies outside the folders that are allowed" };
    }
    const bytes = await readBytes(fs, path, options.maxBytes);
    if (bytes === undefined) {
      return { kind: "refused", reason: `it is larger than ${options.maxBytes} bytes` };
    }
    return { kind: "read", text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (code === "ENOENT" || code === "ENOTDIR") return { kind: "missing" };
    return { kind: "refused", reason: reasonOf(error, code) };
  }
}

function reasonOf(error: unknown, code: unknown): string {
  if (code === "ERR_ENCODING_INVALID_ENCODED_DATA" || error instanceof TypeError) {
    return "it is not valid UTF-8";
  }
  const name = (error as { name?: unknown }).name;
  if (code === "EACCES" || code === "EPERM" || name === "NotCapable") {
    return "reading it is not permitted";
  }
  return `reading it failed${typeof code === "string" ? ` with ${code}` : ""}`;
}

async function isWithin(
  fs: FileSystem,
  path: string,
  folders: readonly string[],
): Promise<boolean> {
  const tools = paths();
  if (tools === undefined) return false;
  const real = await fs.realpath(path);
  for (const folder of folders) {
    // A folder that is not there holds no file.
    const base = await fs.realpath(folder).catch(() => undefined);
    if (base === undefined) continue;
    const rest = tools.relative(base, real);
    if (rest !== "" && !/^\.\.(?:[\\/]|$)/.test(rest) && !tools.isAbsolute(rest)) return true;
  }
  return false;
}

async function readBytes(
  fs: FileSystem,
  path: string,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  if ((await fs.stat(path)).size > maxBytes) return undefined;
  const handle = await fs.open(path, "r");
  try {
    let buffer = new Uint8Array(4096);
    let used = 0;
    while (used <= maxBytes) {
      if (used === buffer.length) {
        const larger = new Uint8Array(buffer.length * 2);
        larger.set(buffer);
        buffer = larger;
      }
      const { bytesRead } = await handle.read(buffer, used, buffer.length - used, null);
      if (bytesRead === 0) return buffer.subarray(0, used);
      used += bytesRead;
    }
    return undefined;
  } finally {
    await handle.close();
  }
}
