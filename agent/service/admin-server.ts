import { createServer } from "node:http";
import { listenOn } from "./cni-server.ts";

/** `GET /metrics` and `GET /status` on a unix socket that only root may use. */
export async function startAdminServer(
  options: Readonly<{
    path: string;
    metrics: () => string;
    status: () => Promise<unknown>;
  }>,
): Promise<{ close: () => Promise<void> }> {
  const server = createServer({ requestTimeout: 5_000 }, (request, response) => {
    const send = (status: number, type: string, body: string) => {
      response.writeHead(status, { "content-type": type });
      response.end(body);
    };
    if (request.method !== "GET") return send(405, "text/plain", "GET only\n");
    if (request.url === "/metrics") return send(200, "text/plain; version=0.0.4", options.metrics());
    if (request.url !== "/status") return send(404, "text/plain", "there are /metrics and /status\n");
    options.status().then(
      (status) => send(200, "application/json", `${JSON.stringify(status)}\n`),
      (error: unknown) => send(500, "text/plain", `${String(error)}\n`),
    );
  });
  await listenOn(server, options.path);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
