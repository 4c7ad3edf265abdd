import { readTextFile, resolveFrom } from "../internal/runtime/files.ts";
import { listFolder } from "../internal/runtime/folder.ts";
import { type Migration, migrationError, migrationsOf } from "./migration.ts";

const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Reads the migrations of a folder: every file that ends in `.sql`. Needs a runtime with files;
 * elsewhere hand the texts to `migrationsOf`.
 *
 * @param folder Path of the folder, relative to where the process was started.
 * @throws `CQI_DATABASE_MIGRATION` when the folder or a file cannot be read, or is misnamed.
 */
export async function readMigrations(folder: string): Promise<readonly Migration[]> {
  const names = await listFolder(folder);
  if (names === undefined) throw migrationError(`folder '${folder}' cannot be read`);
  const files: Record<string, string> = {};
  for (const name of names.filter((each) => each.endsWith(".sql"))) {
    const file = await readTextFile(resolveFrom(folder, name), { maxBytes: MAX_BYTES });
    if (file.kind !== "read") {
      throw migrationError(
        `file '${name}' cannot be used${file.kind === "refused" ? `: ${file.reason}` : ""}`,
      );
    }
    files[name] = file.text;
  }
  return migrationsOf(files);
}
