import { createHash, randomBytes } from "node:crypto";

/** A token as its owner gets it, once, and what is kept of it. */
export type NewToken = Readonly<{ id: string; text: string; hash: Buffer }>;

/** `wcs_ID_SECRET`: an id of 80 random bits by which it is found, and a secret of 256 of which only the hash is kept. */
export function newToken(): NewToken {
  const id = randomBytes(10).toString("hex");
  const secret = randomBytes(32).toString("base64url");
  return { id, text: `wcs_${id}_${secret}`, hash: hashSecret(secret) };
}

/** The id and the secret's hash of a token's text; null when it is none of ours. */
export function parseToken(text: string): Readonly<{ id: string; hash: Buffer }> | null {
  const match = /^wcs_([0-9a-f]{20})_([A-Za-z0-9_-]{43})$/.exec(text);
  return match?.[1] === undefined || match[2] === undefined ? null : { id: match[1], hash: hashSecret(match[2]) };
}

function hashSecret(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}
