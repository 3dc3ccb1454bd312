import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { readOrCreateKeyFile } from "../state/key-file.ts";

/** A secret under envelope encryption: its own key (AES-256-GCM), wrapped by the key `keyId` of the key ring. */
export type SealedSecret = Readonly<{ keyId: string; wrappedKey: Buffer; ciphertext: Buffer }>;

/** Seals and opens secrets with the keys of a file outside the database. `context` is bound in: a secret moved to another name does not open. */
export type KeyRing = Readonly<{
  currentKeyId: () => string;
  seal: (plaintext: Buffer, context: string) => SealedSecret;
  open: (sealed: SealedSecret, context: string) => Buffer;
  /** The same secret with its key wrapped by the current key of the ring. */
  rewrap: (sealed: SealedSecret, context: string) => SealedSecret;
}>;

type KeyFile = { current: string; keys: Record<string, string> };

const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

const newKeyId = (): string => randomBytes(4).toString("hex");

/** Reads the key ring's file, or makes one with a first key. */
export function openKeyRing(path: string): KeyRing {
  const id = newKeyId();
  const make = (): string =>
    `${JSON.stringify({ current: id, keys: { [id]: randomBytes(keyBytes).toString("base64") } })}\n`;
  const file = JSON.parse(readOrCreateKeyFile(path, make)) as KeyFile;
  const keyOf = (keyId: string): Buffer => {
    const text = file.keys[keyId];
    const key = Buffer.from(text ?? "", "base64");
    if (key.length !== keyBytes) throw new Error(`${path} has no key ${keyId}: restore the file from its backup`);
    return key;
  };
  keyOf(file.current);
  return {
    currentKeyId: () => file.current,
    seal: (plaintext, context) => {
      const own = randomBytes(keyBytes);
      return {
        keyId: file.current,
        wrappedKey: encrypt(keyOf(file.current), own, `key ${file.current} ${context}`),
        ciphertext: encrypt(own, plaintext, context),
      };
    },
    open: (sealed, context) => decrypt(unwrap(sealed, context), sealed.ciphertext, context),
    rewrap: (sealed, context) => ({
      keyId: file.current,
      wrappedKey: encrypt(keyOf(file.current), unwrap(sealed, context), `key ${file.current} ${context}`),
      ciphertext: sealed.ciphertext,
    }),
  };
  function unwrap({ keyId, wrappedKey }: SealedSecret, context: string): Buffer {
    return decrypt(keyOf(keyId), wrappedKey, `key ${keyId} ${context}`);
  }
}

/** Adds a new key to the file and makes it the current one; older keys stay until every secret is rewrapped. */
export function rotateKeyRing(path: string): string {
  const file = JSON.parse(readFileSync(path, "utf8")) as KeyFile;
  const id = newKeyId();
  file.keys[id] = randomBytes(keyBytes).toString("base64");
  file.current = id;
  writeFileSync(`${path}.new`, `${JSON.stringify(file)}\n`, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
  return id;
}

/** nonce | tag | ciphertext */
function encrypt(key: Buffer, plaintext: Buffer, context: string): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(context));
  const body = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]);
}

function decrypt(key: Buffer, sealed: Buffer, context: string): Buffer {
  const nonce = sealed.subarray(0, nonceBytes);
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: tagBytes })
    .setAAD(Buffer.from(context))
    .setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes));
  return Buffer.concat([decipher.update(sealed.subarray(nonceBytes + tagBytes)), decipher.final()]);
}
