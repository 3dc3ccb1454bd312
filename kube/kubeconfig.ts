import { X509Certificate, createPrivateKey } from "node:crypto";
import { LineCounter, isMap, isSeq, parseDocument, type Node } from "yaml";

/** How we prove who we are. A token may be a function, so that a renewed one is used from the next call on. */
export type Credential =
  | Readonly<{ kind: "certificate"; certificatePem: string; keyPem: string }>
  | Readonly<{ kind: "token"; token: string | (() => string) }>;

/** All that is needed to reach one cluster. */
export type ClusterAccess = Readonly<{
  /** `https://host:port`, without a trailing slash. */
  server: string;
  /** PEM; without one the machine's own trust store is used. */
  caPem?: string | undefined;
  /** The name that the server's certificate must carry, when it is not the address's. */
  tlsServerName?: string | undefined;
  credential: Credential;
}>;

/** A kubeconfig that can't be used: where, what and what to do. */
export class KubeconfigError extends Error {
  override readonly name = "KubeconfigError";
  /** `users[0].user.exec` */
  readonly field: string;
  /** 1-based; null when the field is missing. */
  readonly line: number | null;
  readonly advice: string;

  constructor(field: string, line: number | null, message: string, advice: string) {
    super(`kubeconfig${line === null ? "" : `, line ${line}`}, ${field}: ${message}. ${advice}`);
    this.field = field;
    this.line = line;
    this.advice = advice;
  }
}

type Options = Readonly<{
  /** A context other than `current-context`. */
  context?: string;
  /** Reads a file that the kubeconfig names. Without it such a reference is refused: a server must not read its own
   * files because an uploaded kubeconfig says so. */
  readFile?: (path: string) => string;
}>;

const maxBytes = 1024 * 1024;
const flatten = "Take one that holds everything: kubectl config view --minify --flatten --raw";

/** What a kubeconfig may ask for and we don't do, and why. */
const refusedUserFields: Readonly<Record<string, string>> = {
  exec: "programs named by a kubeconfig are never run here. Give a client certificate or a token",
  "auth-provider": "Kubernetes removed auth providers in 1.26. Give a client certificate or a token",
  username: "Kubernetes removed password login in 1.19. Give a client certificate or a token",
  password: "Kubernetes removed password login in 1.19. Give a client certificate or a token",
  as: "impersonation is not supported. Give a credential of the identity itself",
  "as-groups": "impersonation is not supported. Give a credential of the identity itself",
  "as-uid": "impersonation is not supported. Give a credential of the identity itself",
  "as-user-extra": "impersonation is not supported. Give a credential of the identity itself",
};

/** Reads the current context of a kubeconfig. Throws KubeconfigError. */
export function parseKubeconfig(text: string, options: Options = {}): ClusterAccess {
  if (Buffer.byteLength(text) > maxBytes) {
    throw new KubeconfigError("(file)", null, "it is larger than 1 MiB", "A kubeconfig is a few KiB; check the file.");
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const fault = document.errors[0];
  if (fault !== undefined) {
    const line = lines.linePos(fault.pos[0]).line;
    throw new KubeconfigError("(file)", line, `it is not YAML: ${fault.message.split("\n")[0] ?? ""}`, flatten);
  }

  const lineAt = (path: readonly (string | number)[]): number | null => {
    for (let end = path.length; end > 0; end -= 1) {
      const node = document.getIn(path.slice(0, end), true) as Node | undefined;
      if (node?.range) return lines.linePos(node.range[0]).line;
    }
    return null;
  };
  const fail = (path: readonly (string | number)[], message: string, advice: string): never => {
    const field = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`)).join("");
    throw new KubeconfigError(field.replace(/^\./, ""), lineAt(path), message, advice);
  };
  const stringAt = (path: readonly (string | number)[]): string | undefined => {
    const value: unknown = document.getIn(path);
    if (value === undefined || value === null || value === "") return undefined;
    if (typeof value !== "string") fail(path, "it must be a string", flatten);
    return value as string;
  };
  const entry = (list: string, name: string, from: string): (string | number)[] => {
    const items: unknown = document.get(list);
    if (!isSeq(items)) fail([list], "it must be a list", flatten);
    const count = isSeq(items) ? items.items.length : 0;
    for (let index = 0; index < count; index += 1) {
      if (document.getIn([list, index, "name"]) === name) return [list, index];
    }
    return fail([list], `there is no entry "${name}", which ${from} names`, flatten);
  };

  if (!isMap(document.contents)) fail(["(file)"], "it is not a kubeconfig", flatten);
  const contextName = options.context ?? stringAt(["current-context"]);
  if (contextName === undefined) return fail(["current-context"], "it is missing", "Name the context to use.");
  const context = [...entry("contexts", contextName, "current-context"), "context"];
  const clusterName = stringAt([...context, "cluster"]);
  const userName = stringAt([...context, "user"]);
  if (clusterName === undefined) return fail([...context, "cluster"], "it is missing", flatten);
  if (userName === undefined) return fail([...context, "user"], "it is missing", flatten);
  const cluster = [...entry("clusters", clusterName, `contexts ${contextName}`), "cluster"];
  const user = [...entry("users", userName, `contexts ${contextName}`), "user"];

  const dataOrFile = (base: readonly (string | number)[], name: string): string | undefined => {
    const data = stringAt([...base, `${name}-data`]);
    if (data !== undefined) {
      const base64 = /^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(data);
      if (!base64) return fail([...base, `${name}-data`], "it is not base64", flatten);
      return Buffer.from(data, "base64").toString("utf8");
    }
    const path = stringAt([...base, name]);
    if (path === undefined) return undefined;
    const { readFile } = options;
    if (readFile === undefined) return fail([...base, name], "it names a file, which is not read", flatten);
    try {
      return readFile(path);
    } catch (error) {
      return fail([...base, name], `the file can't be read: ${(error as Error).message}`, flatten);
    }
  };

  const server = stringAt([...cluster, "server"]);
  if (server === undefined) return fail([...cluster, "server"], "it is missing", "Give the API server's address.");
  const url = URL.parse(server);
  if (url === null) return fail([...cluster, "server"], "it is not a URL", "Write it as https://host:port.");
  if (url.protocol !== "https:") {
    return fail([...cluster, "server"], `${url.protocol}// is not encrypted`, "Write it as https://host:port.");
  }
  if (document.getIn([...cluster, "insecure-skip-tls-verify"]) === true) {
    return fail(
      [...cluster, "insecure-skip-tls-verify"],
      "an unchecked server could be anyone",
      "Remove it and give certificate-authority-data.",
    );
  }
  if (stringAt([...cluster, "proxy-url"]) !== undefined) {
    return fail([...cluster, "proxy-url"], "proxies are not supported", "Give an address that is reached directly.");
  }
  for (const [name, why] of Object.entries(refusedUserFields)) {
    if (document.hasIn([...user, name])) return fail([...user, name], "it is refused", `${why}.`);
  }

  const caPem = dataOrFile(cluster, "certificate-authority");
  if (caPem !== undefined) {
    checkCertificate(caPem, (message) => fail([...cluster, "certificate-authority-data"], message, flatten));
  }
  return {
    server: url.href.replace(/\/+$/, ""),
    caPem,
    tlsServerName: stringAt([...cluster, "tls-server-name"]),
    credential: credentialOf(),
  };

  function credentialOf(): Credential {
    const certificatePem = dataOrFile(user, "client-certificate");
    const keyPem = dataOrFile(user, "client-key");
    const token = stringAt([...user, "token"]) ?? dataOrFile(user, "tokenFile")?.trim();
    if (certificatePem !== undefined || keyPem !== undefined) {
      const at = [...user, "client-certificate-data"];
      if (certificatePem === undefined || keyPem === undefined) {
        const missing = certificatePem === undefined ? "client-certificate-data" : "client-key-data";
        return fail(
          [...user, missing],
          "it is missing",
          "A client certificate needs its key, and a key its certificate.",
        );
      }
      const certificate = checkCertificate(certificatePem, (message) => fail(at, message, flatten));
      let pair = false;
      try {
        pair = certificate.checkPrivateKey(createPrivateKey(keyPem));
      } catch {
        return fail([...user, "client-key-data"], "it is not an unencrypted private key in PEM", flatten);
      }
      if (!pair) return fail([...user, "client-key-data"], "it does not belong to the client certificate", flatten);
      return { kind: "certificate", certificatePem, keyPem };
    }
    if (token === undefined) {
      return fail(user, "it holds neither a client certificate nor a token", flatten);
    }
    if (!/^[\x21-\x7e]+$/.test(token)) return fail([...user, "token"], "it holds characters no token has", flatten);
    return { kind: "token", token };
  }
}

function checkCertificate(pem: string, fail: (message: string) => never): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    return fail("it is not a certificate in PEM");
  }
}

/** When our client certificate stops being valid (or, `from`, starts); null for a token. */
export function certificateValidity(credential: Credential): { from: Date; until: Date } | null {
  if (credential.kind !== "certificate") return null;
  const certificate = new X509Certificate(credential.certificatePem);
  return { from: certificate.validFromDate, until: certificate.validToDate };
}

/** A kubeconfig that holds `access` and nothing else. */
export function formatKubeconfig(access: ClusterAccess): string {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const { credential } = access;
  const user =
    credential.kind === "certificate"
      ? { "client-certificate-data": base64(credential.certificatePem), "client-key-data": base64(credential.keyPem) }
      : { token: typeof credential.token === "string" ? credential.token : credential.token() };
  const cluster = {
    server: access.server,
    ...(access.caPem === undefined ? {} : { "certificate-authority-data": base64(access.caPem) }),
    ...(access.tlsServerName === undefined ? {} : { "tls-server-name": access.tlsServerName }),
  };
  // JSON is YAML: no writer is needed.
  return `${JSON.stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "cluster", cluster }],
      users: [{ name: "user", user }],
      contexts: [{ name: "context", context: { cluster: "cluster", user: "user" } }],
      "current-context": "context",
    },
    null,
    2,
  )}\n`;
}
