import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
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

/** What the file says: keys by id, in base64, and the id of the one that seals. */
export type KeyFile = Readonly<{ current: string; keys: Readonly<Record<string, string>> }>;

const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/** A new key under a new id. */
export function newKey(): Readonly<{ id: string; key: string }> {
  // The letter keeps JavaScript from putting an id of digits before all others: the newest key is the last.
  return { id: `k${randomBytes(4).toString("hex")}`, key: randomBytes(keyBytes).toString("base64") };
}

/**
 * Reads the key ring's file, or makes one with a first key. A file that was replaced meanwhile, by a rotation or by a copy of another server's, is read
 * again before it is used.
 */
export function openKeyRing(path: string): KeyRing {
  const make = (): string => {
    const { id, key } = newKey();
    return `${JSON.stringify({ current: id, keys: { [id]: key } })}\n`;
  };
  let file = JSON.parse(readOrCreateKeyFile(path, make)) as KeyFile;
  let seen = fingerprint(path);
  const keyOf = (keyId: string): Buffer => {
    const text = file.keys[keyId];
    const key = Buffer.from(text ?? "", "base64");
    if (key.length !== keyBytes) {
      throw new Error(
        `${path} has no key ${keyId}: copy the file from the server that has it, or restore it from its backup`,
      );
    }
    return key;
  };
  const refresh = (): void => {
    const now = fingerprint(path);
    // A file that is away for a moment is no reason to stop: what was read is still good.
    if (now === null || now === seen) return;
    const read = JSON.parse(readFileSync(path, "utf8")) as KeyFile;
    [file, seen] = [read, now];
    keyOf(file.current);
  };
  keyOf(file.current);
  const wrap = (own: Buffer, context: string) => {
    const keyId = file.current;
    return { keyId, wrappedKey: encrypt(keyOf(keyId), own, `key ${keyId} ${context}`) };
  };
  return {
    currentKeyId: () => {
      refresh();
      return file.current;
    },
    seal: (plaintext, context) => {
      refresh();
      const own = randomBytes(keyBytes);
      return { ...wrap(own, context), ciphertext: encrypt(own, plaintext, context) };
    },
    open: (sealed, context) => {
      refresh();
      return decrypt(unwrap(sealed, context), sealed.ciphertext, context);
    },
    rewrap: (sealed, context) => {
      refresh();
      return { ...wrap(unwrap(sealed, context), context), ciphertext: sealed.ciphertext };
    },
  };
  function unwrap({ keyId, wrappedKey }: SealedSecret, context: string): Buffer {
    return decrypt(keyOf(keyId), wrappedKey, `key ${keyId} ${context}`);
  }
}

/** Which file stands at the path now, and since when; null when none does. */
function fingerprint(path: string): string | null {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true });
  return found === undefined ? null : `${found.ino} ${found.mtimeNs} ${found.size}`;
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
