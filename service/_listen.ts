import type { DriverTable, FetchHandler } from "../core/mod.ts";
import { loadDriver } from "../internal/load_driver.ts";
import type { Settings } from "./_settings.ts";
import type { HttpDriverModule, HttpServer, ServiceServer } from "./types.ts";

/** Listens on the HTTP port, and on the admin port when there is one; on both or on none. */
export async function listenOn(
  drivers: DriverTable<HttpDriverModule>,
  { host, httpPort, adminPort }: Pick<Settings, "host" | "httpPort" | "adminPort">,
  handlers: { readonly http: FetchHandler; readonly admin: FetchHandler },
): Promise<ServiceServer> {
  const http = await loadDriver("HTTP server", "default", drivers, "CQI_DRIVER_UNKNOWN");
  const servers: HttpServer[] = [];
  const close = async (): Promise<void> => {
    const closed = await Promise.allSettled(servers.map((server) => server.close()));
    const failed = closed.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  };
  try {
    if (adminPort !== undefined) {
      servers.push(await http.serve(handlers.admin, { host, port: adminPort }));
    }
    const server = await http.serve(handlers.http, { host, port: httpPort });
    servers.push(server);
    const adminUrl = servers[0]!.url;
    return { url: server.url, adminUrl, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}
