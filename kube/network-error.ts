import { KubeError, type KubeErrorReason } from "./errors.ts";

type Row = Readonly<{ reason: KubeErrorReason; what: string; advice: string }>;

const untrusted: Row = {
  reason: "server-certificate-untrusted",
  what: "its certificate is not signed by the given CA",
  advice: "Give the cluster's own CA in certificate-authority-data; if the CA was changed, take a new kubeconfig.",
};

/** Codes of node:tls (OpenSSL's X509_V_ERR_*, ERR_TLS_*) and of the kernel, by what a person does about them. */
const rows: Readonly<Record<string, Row>> = {
  CERT_HAS_EXPIRED: {
    reason: "server-certificate-expired",
    what: "its certificate has expired",
    advice: "Renew the API server's certificate (kubeadm certs renew apiserver), or check this machine's clock.",
  },
  CERT_NOT_YET_VALID: {
    reason: "server-certificate-expired",
    what: "its certificate is not valid yet",
    advice: "Check the clocks of this machine and of the API server.",
  },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    reason: "server-certificate-wrong-name",
    what: "its certificate is for another name",
    advice: "Use a name that is in the certificate, or set tls-server-name in the kubeconfig.",
  },
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  CERT_SIGNATURE_FAILURE: untrusted,
  CERT_UNTRUSTED: untrusted,
  INVALID_CA: untrusted,
  ECONNREFUSED: {
    reason: "unreachable",
    what: "nothing listens there",
    advice: "Check the address and the port, and that the API server runs.",
  },
  EHOSTUNREACH: { reason: "unreachable", what: "no route to it", advice: "Check routes and firewalls on the way." },
  ENETUNREACH: { reason: "unreachable", what: "no route to it", advice: "Check routes and firewalls on the way." },
  ETIMEDOUT: { reason: "unreachable", what: "it does not answer", advice: "Check routes and firewalls on the way." },
  ENOTFOUND: { reason: "unreachable", what: "its name is unknown", advice: "Check the name and this machine's DNS." },
  EAI_AGAIN: { reason: "unreachable", what: "DNS does not answer", advice: "Check this machine's DNS." },
};

function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
}

/**
 * Turns an error of node:https into a KubeError that says what to do. `server` is the address for the message; `reached`
 * is false while the connection was still being made.
 */
export function networkError(error: unknown, server: string, reached: boolean): KubeError {
  if (error instanceof KubeError) return error;
  const code = codeOf(error);
  const row = rows[code];
  const text = error instanceof Error ? error.message : String(error);
  if (row !== undefined) {
    return new KubeError(row.reason, `the API server at ${server} can't be used: ${row.what} (${code})`, {
      advice: row.advice,
      reached,
      cause: error,
    });
  }
  if (code.startsWith("ERR_SSL_") && /alert/i.test(text)) {
    return new KubeError(
      "client-certificate-rejected",
      `the API server at ${server} refused our certificate in the TLS handshake (${code})`,
      { advice: "Give a client certificate that the cluster's CA signed.", reached, cause: error },
    );
  }
  if (code.startsWith("ERR_SSL_") || code === "EPROTO") {
    return new KubeError("protocol", `${server} does not speak TLS as an API server does (${code})`, {
      advice: "Check that the address and the port are the API server's.",
      reached,
      cause: error,
    });
  }
  return new KubeError(
    "unreachable",
    reached
      ? `the connection to the API server at ${server} was lost: ${text}`
      : `the API server at ${server} can't be reached: ${text}`,
    { advice: "Check that the API server runs and what is between it and this machine.", reached, cause: error },
  );
}
