import { Agent, request as httpsRequest, type RequestOptions } from "node:https";
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from "node:http";
import { KubeError } from "./errors.ts";
import { certificateValidity, type ClusterAccess } from "./kubeconfig.ts";
import { networkError } from "./network-error.ts";

/** One HTTP call. `path` starts with a slash and carries its query. */
export type Call = Readonly<{
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  body?: string;
  contentType?: string;
  /** Until the whole answer is here; of a stream: until its head is here. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}>;

export type Answer = Readonly<{ statusCode: number; headers: IncomingHttpHeaders; body: string }>;

export type Transport = Readonly<{
  server: string;
  call: (call: Call) => Promise<Answer>;
  /** An answer whose body is read as it comes. The reader destroys it when done. */
  stream: (call: Call) => Promise<IncomingMessage>;
  /** What another protocol (WebSocket) needs to reach the same server as the same identity. */
  secureOptions: () => RequestOptions & { headers: OutgoingHttpHeaders };
  /** Ends every call and connection. */
  close: () => void;
}>;

export type TransportOptions = Readonly<{
  access: ClusterAccess;
  userAgent: string;
  /** Connections for calls; streams have their own. Default 16. */
  maxConnections?: number;
  /** TCP and TLS together. Default 5,000. */
  connectTimeoutMs?: number;
  /** A larger answer fails with `too-large`. Default 64 MiB. */
  maxAnswerBytes?: number;
}>;

/**
 * HTTP/1.1 over TLS with kept connections (docs/adr: kube client on node:https). Idle ones are closed after 30 s, well
 * before the API server does it (90 s), so that a call is never written into a connection that is just being closed.
 */
export function createTransport(options: TransportOptions): Transport {
  const { access, userAgent, connectTimeoutMs = 5_000, maxAnswerBytes = 64 * 1024 * 1024 } = options;
  const url = new URL(access.server);
  const basePath = url.pathname.replace(/\/+$/, "");
  const { credential } = access;
  const tls = {
    ...(access.caPem === undefined ? {} : { ca: access.caPem }),
    ...(access.tlsServerName === undefined ? {} : { servername: access.tlsServerName }),
    ...(credential.kind === "certificate" ? { cert: credential.certificatePem, key: credential.keyPem } : {}),
    minVersion: "TLSv1.2",
  } as const;
  const calls = new Agent({ ...tls, keepAlive: true, maxSockets: options.maxConnections ?? 16, timeout: 30_000 });
  const streams = new Agent({ ...tls, keepAlive: false });
  const open = new Set<ClientRequest>();
  let closed = false;

  const target = {
    protocol: url.protocol,
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? 443 : Number(url.port),
  };
  const identityHeaders = (): OutgoingHttpHeaders => {
    if (credential.kind === "certificate") return {};
    return { authorization: `Bearer ${typeof credential.token === "string" ? credential.token : credential.token()}` };
  };

  /** Starts a call and settles when the head of the answer is here. The caller has until `deadline` ends it. */
  const start = (call: Call, agent: Agent): Promise<{ response: IncomingMessage; stop: (error: Error) => void }> =>
    new Promise((resolve, reject) => {
      let reached = false;
      const fail = (error: unknown) => reject(explainCredential(networkError(error, access.server, reached)));
      if (closed) return fail(new KubeError("cancelled", "the client is closed"));
      if (call.signal?.aborted) return fail(new KubeError("cancelled", `${call.method} ${call.path} was cancelled`));
      const request = httpsRequest({
        ...target,
        agent,
        method: call.method,
        path: basePath + call.path,
        headers: {
          accept: "application/json",
          "user-agent": userAgent,
          ...identityHeaders(),
          ...(call.body === undefined
            ? {}
            : {
                "content-type": call.contentType ?? "application/json",
                "content-length": Buffer.byteLength(call.body),
              }),
        },
      });
      open.add(request);
      request.on("close", () => open.delete(request));
      request.on("error", fail);
      request.on("socket", (socket) => {
        // A kept connection was set up before; a new one announces itself.
        if (!request.reusedSocket && socket.connecting) {
          const timer = setTimeout(() => {
            request.destroy(
              new KubeError(
                "unreachable",
                `the API server at ${access.server} did not answer within ${connectTimeoutMs} ms`,
                {
                  advice: "Check the address, routes and firewalls on the way, and that the API server runs.",
                  reached: false,
                },
              ),
            );
          }, connectTimeoutMs);
          const ready = () => {
            clearTimeout(timer);
            reached = true;
          };
          socket.once("secureConnect", ready);
          socket.once("close", () => clearTimeout(timer));
        } else reached = true;
      });
      request.on("response", (response) => resolve({ response, stop: (error) => request.destroy(error) }));
      request.end(call.body);
      const onAbort = () => request.destroy(new KubeError("cancelled", `${call.method} ${call.path} was cancelled`));
      call.signal?.addEventListener("abort", onAbort, { once: true });
      request.on("close", () => call.signal?.removeEventListener("abort", onAbort));
      const timer = setTimeout(() => {
        request.destroy(
          new KubeError(
            "timed-out",
            `the API server at ${access.server} did not answer ${call.method} ${call.path} within ${call.timeoutMs} ms`,
            { advice: "It is overloaded or stopped: check its health, or repeat later." },
          ),
        );
      }, call.timeoutMs);
      request.on("close", () => clearTimeout(timer));
      if (agent === streams) request.on("response", () => clearTimeout(timer));
    });

  /** An expired client certificate shows as a refusal; say which it is. */
  function explainCredential(error: KubeError): KubeError {
    if (error.reason !== "client-certificate-rejected") return error;
    return expiredCredential(access, error) ?? error;
  }

  return {
    server: access.server,
    call: async (call) => {
      const { response, stop } = await start(call, calls);
      const chunks: Buffer[] = [];
      let bytes = 0;
      try {
        for await (const chunk of response as AsyncIterable<Buffer>) {
          bytes += chunk.length;
          if (bytes > maxAnswerBytes) {
            const error = new KubeError(
              "too-large",
              `the answer to ${call.path} is larger than ${maxAnswerBytes} bytes`,
            );
            stop(error);
            throw error;
          }
          chunks.push(chunk);
        }
      } catch (error) {
        throw networkError(error, access.server, true);
      }
      return {
        statusCode: response.statusCode ?? 0,
        headers: response.headers,
        body: Buffer.concat(chunks).toString(),
      };
    },
    stream: async (call) => (await start(call, streams)).response,
    secureOptions: () => ({
      ...tls,
      ...target,
      path: basePath,
      headers: { "user-agent": userAgent, ...identityHeaders() },
    }),
    close: () => {
      closed = true;
      for (const request of open) request.destroy(new KubeError("cancelled", "the client was closed"));
      calls.destroy();
      streams.destroy();
    },
  };
}

/** When our own certificate is out of its time, the error that says so; else null. */
export function expiredCredential(access: ClusterAccess, cause: KubeError): KubeError | null {
  const validity = certificateValidity(access.credential);
  const now = new Date();
  if (validity === null || (now >= validity.from && now <= validity.until)) return null;
  const message =
    now > validity.until
      ? `our client certificate expired at ${validity.until.toISOString()}`
      : `our client certificate is valid from ${validity.from.toISOString()} on, and here it is ${now.toISOString()}`;
  return new KubeError("client-certificate-expired", `${access.server}: ${message}`, {
    advice: "Take a new kubeconfig (kubeadm certs renew), or check this machine's clock.",
    statusCode: cause.statusCode,
    status: cause.status,
    cause,
  });
}
