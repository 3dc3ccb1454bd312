import { createServer, type Server } from "node:https";
import type { RequestListener } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClusterAccess } from "../kubeconfig.ts";
import { createAuthority, type CertificateOrder } from "./pki.ts";

/** An HTTPS server for answers that no real API server gives on demand (429, cut connections, bad certificates). */
export type LoopbackServer = Readonly<{ access: ClusterAccess; server: Server; close: () => Promise<void> }>;

/** Serves `listener` on loopback; `order` changes its certificate. */
export async function startLoopbackServer(
  listener: RequestListener,
  order: Partial<CertificateOrder> = {},
): Promise<LoopbackServer> {
  const directory = await mkdtemp(join(tmpdir(), "wcs-loopback-"));
  const authority = await createAuthority(directory);
  const pair = await authority.issue({
    name: "server",
    subject: "/CN=server",
    alternativeNames: "IP:127.0.0.1",
    ...order,
  });
  await rm(directory, { recursive: true });
  const server = createServer({ cert: pair.certificatePem, key: pair.keyPem }, listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    server,
    access: {
      server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
      caPem: authority.certificatePem,
      credential: { kind: "token", token: "t" },
    },
    close: async () => {
      server.closeAllConnections();
      await once(server.close(), "close");
    },
  };
}
