import { readFileSync } from "node:fs";
import { request } from "node:https";
import { apiPort } from "../network/firewall.ts";
import { LabError } from "../state/lab-error.ts";
import { authorityFile, identityFiles } from "./pki.ts";

type ApiOptions = Readonly<{ method?: "GET" | "POST" | "DELETE"; body?: unknown; timeoutMs?: number }>;

/**
 * One request to a cluster's API server as its administrator.
 * @throws Error when the server can't be reached within `timeoutMs` (default 5 s) or answers with 400 or more.
 */
export function apiRequest(
  cluster: Readonly<{ name: string; address: string }>,
  path: string,
  { method = "GET", body, timeoutMs = 5000 }: ApiOptions = {},
): Promise<string> {
  const files = identityFiles(cluster.name, "admin");
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: cluster.address,
        port: apiPort,
        path,
        method,
        agent: false,
        ca: readFileSync(authorityFile(cluster.name)),
        cert: readFileSync(files.certificate),
        key: readFileSync(files.key),
        headers: body === undefined ? {} : { "content-type": "application/json" },
        signal: AbortSignal.timeout(timeoutMs),
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (piece: string) => (text += piece));
        response.on("error", reject);
        response.on("end", () => {
          const status = response.statusCode ?? 0;
          if (status < 400) resolve(text);
          else {
            reject(
              new LabError(
                "command_failed",
                `${cluster.name} answered ${status} to ${method} ${path}: ${text.slice(0, 300)}`,
              ),
            );
          }
        });
      },
    );
    sent.on("error", reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
