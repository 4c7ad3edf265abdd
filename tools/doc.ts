/**
 * Writes the API pages of all entry points into .cache/doc: `deno task doc`.
 */
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

async function main(): Promise<number> {
  const manifest: { exports: Record<string, string> } = JSON.parse(
    await Deno.readTextFile(`${ROOT}deno.json`),
  );
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--html", "--name=@cq/cqi", "--output=.cache/doc"]
      .concat(Object.values(manifest.exports)),
    cwd: ROOT,
  }).spawn().status;
  return code;
}

if (import.meta.main) Deno.exitCode = await main();
