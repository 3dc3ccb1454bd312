import { createHash, randomBytes, X509Certificate, type webcrypto } from "node:crypto";
import "reflect-metadata";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
  X509Certificate as IssuerCertificate,
} from "@peculiar/x509";
import { linkServerName } from "@wcs/api/agent-link";
import type { Database, Query } from "../database/database.ts";
import type { SecretStore } from "../secrets/secret-store.ts";

/** A certificate that the authority has issued. Times are milliseconds since 1970. */
export type IssuedCertificate = Readonly<{ pem: string; serial: string; fingerprint: string; expiresMs: number }>;

/** The certificate authority of agents and of the servers that they connect to. Its key is kept encrypted in the database. */
export type AgentAuthority = Readonly<{
  certificatePem: string;
  /** SHA-256 of its public key (SPKI), base64url: what a join token carries, so that an agent knows its server. */
  fingerprint: string;
  /** For an agent's key, in SPKI form; null when it is no P-256 key. */
  issueForAgent: (host: string, publicKey: Buffer, lifetimeMs: number) => Promise<IssuedCertificate | null>;
  /** A server's key and certificate; the key lives in this process only. */
  issueForServer: (name: string) => Promise<Readonly<{ certificatePem: string; keyPem: string; expiresMs: number }>>;
}>;

const secretName = "agent-link/authority";
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const authorityYears = 20;
export const serverCertificateMs = 7 * 86_400_000;
/** Clocks of hosts may be behind ours by this much. */
const clockSkewMs = 300_000;
// Any constant does, so long as every WCS server uses the same.
const lockKey = 0x776375;

type Kept = Readonly<{ certificatePem: string; key: string }>;

/** Reads the authority, or makes it; servers that start together agree on one. */
export async function openAgentAuthority(
  database: Database,
  secrets: SecretStore,
  underLock: (work: (query: Query) => Promise<void>) => Promise<void>,
): Promise<AgentAuthority> {
  let text = await secrets.get(database.query, secretName);
  if (text === null) {
    const made = JSON.stringify(await makeAuthority());
    await underLock(async (query) => {
      await query("SELECT pg_advisory_xact_lock($1)", [lockKey]);
      text = await secrets.get(query, secretName);
      if (text !== null) return;
      await secrets.put(query, secretName, made);
      text = made;
    });
  }
  if (text === null) throw new Error("the agents' authority was neither found nor made");
  return authorityOf(JSON.parse(text) as Kept);
}

async function makeAuthority(): Promise<Kept> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const now = Date.now();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: "CN=WCS agents",
    notBefore: new Date(now - clockSkewMs),
    notAfter: new Date(now + authorityYears * 365 * 86_400_000),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const key = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  return { certificatePem: certificate.toString("pem"), key };
}

async function authorityOf({ certificatePem, key }: Kept): Promise<AgentAuthority> {
  const issuer = new IssuerCertificate(certificatePem);
  const signingKey = await crypto.subtle.importKey("pkcs8", Buffer.from(key, "base64"), algorithm, false, ["sign"]);

  const issue = async (order: {
    name: string;
    publicKey: webcrypto.CryptoKey;
    use: ExtendedKeyUsage;
    alternative: Readonly<{ type: "url" | "dns"; value: string }>;
    lifetimeMs: number;
  }): Promise<IssuedCertificate> => {
    const now = Date.now();
    const certificate = await X509CertificateGenerator.create({
      serialNumber: newSerial(),
      issuer: issuer.subject,
      subject: [{ CN: [order.name] }],
      notBefore: new Date(now - clockSkewMs),
      notAfter: new Date(now + order.lifetimeMs),
      signingAlgorithm: algorithm,
      signingKey,
      publicKey: order.publicKey,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([order.use]),
        new SubjectAlternativeNameExtension([order.alternative], true),
        await AuthorityKeyIdentifierExtension.create(issuer),
      ],
    });
    const pem = certificate.toString("pem");
    const { serialNumber, fingerprint256, validToDate } = new X509Certificate(pem);
    return { pem, serial: serialNumber, fingerprint: fingerprint256, expiresMs: validToDate.getTime() };
  };

  return {
    certificatePem,
    fingerprint: fingerprintOf(certificatePem),
    issueForAgent: async (host, publicKey, lifetimeMs) => {
      const imported = await importPublicKey(publicKey);
      if (imported === null) return null;
      const alternative = { type: "url", value: agentUri(host) } as const;
      return await issue({
        name: host,
        publicKey: imported,
        use: ExtendedKeyUsage.clientAuth,
        alternative,
        lifetimeMs,
      });
    },
    issueForServer: async (name) => {
      const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
      const { pem, expiresMs } = await issue({
        name,
        publicKey: keys.publicKey,
        use: ExtendedKeyUsage.serverAuth,
        alternative: { type: "dns", value: linkServerName },
        lifetimeMs: serverCertificateMs,
      });
      const pkcs8 = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
      const keyPem = `-----BEGIN PRIVATE KEY-----\n${pkcs8.replace(/.{64}/g, "$&\n")}\n-----END PRIVATE KEY-----\n`;
      return { certificatePem: `${pem}\n${certificatePem}\n`, keyPem, expiresMs };
    },
  };
}

/** The name in an agent's certificate (a URI among its alternative names). */
export const agentUri = (host: string): string => `wcs://agent/${host}`;

/** The host that an agent's certificate names; null when it names none or more than one thing. */
export function hostOfCertificate({
  subjectAltName,
}: Readonly<{ subjectAltName?: string | undefined }>): string | null {
  return /^URI:wcs:\/\/agent\/([a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)$/.exec(subjectAltName ?? "")?.[1] ?? null;
}

async function importPublicKey(spki: Buffer): Promise<webcrypto.CryptoKey | null> {
  try {
    return await crypto.subtle.importKey("spki", new Uint8Array(spki), algorithm, true, ["verify"]);
  } catch {
    return null; // not a P-256 key
  }
}

function fingerprintOf(certificatePem: string): string {
  const spki = new X509Certificate(certificatePem).publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(spki).digest("base64url");
}

/** 127 random bits, positive (RFC 5280, 4.1.2.2). */
function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString("hex");
}
