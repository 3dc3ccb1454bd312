import { createPublicKey, generateKeyPairSync, sign, X509Certificate } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { proofText } from "@wcs/api/agent-link";

/** By what the agent shows who it is: its key, the certificate for it, and the authorities that it trusts (PEM texts), and when it came. */
export type Identity = Readonly<{ key: string; certificate: string; authorities: string; receivedMs: number }>;

/** A new key, and what a server wants to see of it. */
export type KeyOrder = Readonly<{ key: string; publicKey: string; proof: string }>;

const fileName = "link-identity.json";
const keyFileName = "link-join-key.pem";

/** Null when the agent has not joined yet. */
export async function readIdentity(folder: string): Promise<Identity | null> {
  const text = await readIfThere(join(folder, fileName));
  return text === null ? null : (JSON.parse(text) as Identity);
}

/** Replaces the identity; a crash leaves the old one or the new one. */
export async function writeIdentity(folder: string, identity: Identity): Promise<void> {
  await replaceFile(join(folder, fileName), `${JSON.stringify(identity)}\n`);
}

/** The key that joins, kept until it has: when the answer to a join is lost, the same key may ask again. */
export async function joinKey(folder: string, host: string): Promise<KeyOrder> {
  const path = join(folder, keyFileName);
  const kept = await readIfThere(path);
  if (kept !== null) return orderOf(kept, host);
  const made = newKey();
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await replaceFile(path, made);
  return orderOf(made, host);
}

/** A key for the next certificate. */
export const renewalKey = (host: string): KeyOrder => orderOf(newKey(), host);

/** When the certificate ends; milliseconds since 1970. */
export const expiryOf = ({ certificate }: Identity): number => new X509Certificate(certificate).validToDate.getTime();

function newKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "pkcs8", format: "pem" });
}

function orderOf(key: string, host: string): KeyOrder {
  const publicKey = publicKeyOf(key);
  return { key, publicKey, proof: sign("sha256", Buffer.from(proofText(host, publicKey)), key).toString("base64") };
}

function publicKeyOf(key: string): string {
  return createPublicKey(key).export({ type: "spki", format: "der" }).toString("base64");
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

async function replaceFile(path: string, text: string): Promise<void> {
  const file = await open(`${path}.new`, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  const folder = await open(dirname(path));
  await folder.sync();
  await folder.close();
}

/** The join is over: its key is the identity's now, and is not used for another. */
export const forgetJoinKey = (folder: string): Promise<void> => rm(join(folder, keyFileName), { force: true });
