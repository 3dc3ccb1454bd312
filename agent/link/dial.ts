import { createHash, X509Certificate } from "node:crypto";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { LinkError, linkServerName } from "@wcs/api/agent-link";
import type { Identity } from "./identity.ts";
import { serverAddress } from "./link-config.ts";

const connectTimeoutMs = 10_000;

type Dial = Readonly<{ protocol: string; signal: AbortSignal }>;

/** Connects to a server as this host. Throws a LinkError `link.away` that says why. */
export function dialServer(address: string, identity: Identity, dial: Dial): Promise<TLSSocket> {
  const { key, certificate, authorities } = identity;
  return open(address, { ...dial, options: { key, cert: certificate, ca: authorities } });
}

/** Connects to a server of a known authority without a certificate, to join. */
export function dialToJoin(address: string, authority: string, dial: Dial): Promise<TLSSocket> {
  return open(address, { ...dial, options: { ca: authority } });
}

/**
 * The authority of a server of which only the authority's fingerprint is known, in PEM form: the connection is used for nothing else. Throws
 * `link.away` when the server shows another one.
 */
export async function fetchAuthority(address: string, fingerprint: string, dial: Dial): Promise<string> {
  const socket = await open(address, { ...dial, options: { rejectUnauthorized: false } });
  try {
    // The chain as it was sent; it ends in a certificate that is its own issuer.
    let certificate = socket.getPeerCertificate(true);
    for (let length = 0; length < 4; length += 1) {
      const issuer = certificate.issuerCertificate;
      if (issuer === undefined || issuer.fingerprint256 === certificate.fingerprint256) break;
      certificate = issuer;
    }
    const { publicKey, raw } = new X509Certificate(certificate.raw);
    const found = createHash("sha256")
      .update(publicKey.export({ type: "spki", format: "der" }))
      .digest("base64url");
    if (found !== fingerprint) {
      throw new LinkError("link.away", `${address} is not the server of this token: its authority is ${found}`);
    }
    return `-----BEGIN CERTIFICATE-----\n${raw.toString("base64").replace(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`;
  } finally {
    socket.destroy();
  }
}

function open(
  address: string,
  { protocol, signal, options }: Dial & Readonly<{ options: ConnectionOptions }>,
): Promise<TLSSocket> {
  const place = serverAddress(address);
  if (place === null) return Promise.reject(new LinkError("link.away", `"${address}" is not HOST:PORT`));
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...place,
      ...options,
      servername: linkServerName,
      minVersion: "TLSv1.3",
      ALPNProtocols: [protocol],
    });
    socket.setNoDelay(true);
    const fail = (why: string, cause?: unknown): void => {
      stop();
      socket.destroy();
      reject(new LinkError("link.away", `${address}: ${why}`, { cause }));
    };
    const onError = (error: Error): void => fail(error.message, error);
    const onClose = (): void => fail("the connection was closed");
    const onAbort = (): void => fail("the agent ends");
    const onSecure = (): void => {
      if (socket.alpnProtocol !== protocol) return fail(`it does not speak ${protocol}`);
      stop();
      socket.on("error", () => socket.destroy());
      resolve(socket);
    };
    const timer = setTimeout(() => fail(`no connection within ${connectTimeoutMs} ms`), connectTimeoutMs);
    const stop = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      socket.off("error", onError).off("close", onClose).off("secureConnect", onSecure);
    };
    socket.once("secureConnect", onSecure).once("error", onError).once("close", onClose);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}
