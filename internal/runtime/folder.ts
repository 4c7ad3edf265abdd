// Folders, asked for as files are in files.ts.

interface DirectoryReader {
  readdir(path: string): Promise<string[]>;
}

interface Builtins {
  getBuiltinModule?: (id: string) => unknown;
}

/**
 * Names of what lies in a folder, in no order; undefined when there is no such folder, it cannot be
 * read, or the runtime has no file system.
 *
 * @param path The folder.
 */
export async function listFolder(path: string): Promise<string[] | undefined> {
  const { process } = globalThis as { process?: Builtins };
  const fs = process?.getBuiltinModule?.("node:fs/promises") as DirectoryReader | undefined;
  try {
    return await fs?.readdir(path);
  } catch {
    return undefined;
  }
}
