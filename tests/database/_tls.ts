import { execFile } from "node:child_process";
import { chmod, chown, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A certificate authority, and a certificate of it for a server, made for one test file. */
export interface Certificates extends AsyncDisposable {
  /** Paths, PEM. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** An authority that has signed nothing here. */
  readonly otherCa: string;
  /** A client's certificate for the user `postgres`. */
  readonly clientCert: string;
  readonly clientKey: string;
}

/**
 * Makes certificates with `openssl`.
 *
 * @param names What the server's certificate is for, as `DNS:localhost` or `IP:127.0.0.1`.
 */
export async function certificates(names: string): Promise<Certificates> {
  const folder = await mkdtemp(join(tmpdir(), "cqi_tls_"));
  const path = (name: string): string => join(folder, name);
  const openssl = async (...args: string[]): Promise<void> => {
    await run("openssl", args, { cwd: folder });
  };
  const authority = (name: string): Promise<void> =>
    openssl(
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
      ...["-keyout", `${name}.key`, "-out", `${name}.pem`, "-subj", `/CN=${name}`, "-days", "2"],
    );
  const signed = async (name: string, subject: string, extension: string): Promise<void> => {
    await openssl(
      ...["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
      ...["-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", subject],
    );
    await writeFile(path(`${name}.ext`), extension);
    await openssl(
      ...["x509", "-req", "-in", `${name}.csr`, "-CA", "ca.pem", "-CAkey", "ca.key"],
      ...["-CAcreateserial", "-out", `${name}.pem`, "-days", "2", "-extfile", `${name}.ext`],
    );
  };
  await authority("ca");
  await authority("other");
  await signed("server", "/CN=server", `subjectAltName=${names}\n`);
  await signed("client", "/CN=postgres", "extendedKeyUsage=clientAuth\n");
  await chmod(folder, 0o755);
  await chmod(path("server.key"), 0o600);
  // The server takes the key of its own user or of root alone, and must be able to read it.
  if (process.getuid?.() === 0) {
    const id = async (flag: string): Promise<number> =>
      Number((await run("id", [flag, "postgres"])).stdout);
    await chown(path("server.key"), await id("-u"), await id("-g"));
  }
  return {
    ca: path("ca.pem"),
    cert: path("server.pem"),
    key: path("server.key"),
    otherCa: path("other.pem"),
    clientCert: path("client.pem"),
    clientKey: path("client.key"),
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true });
    },
  };
}

/** The text of a file. */
export function textOf(path: string): Promise<string> {
  return readFile(path, "utf8");
}
