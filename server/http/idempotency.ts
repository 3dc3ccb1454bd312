import { createHash } from "node:crypto";
import { canonicalJson } from "@wcs/core/canonical";
import type { Query } from "../database/database.ts";
import type { Send } from "../database/transaction.ts";
import type { KeyRing } from "../secrets/key-ring.ts";
import { Failure } from "./failure.ts";

/** An act's identity: whose key, and what was asked with it. `seal`: keeps the answer, which holds a secret, from whoever reads the database. */
export type IdempotentRequest = Readonly<{ actor: string; key: string; requestHash: string; seal: KeyRing | null }>;

/** The answer that was stored for a key. */
export type StoredAnswer = Readonly<{ status: number; etag: string | null; body: unknown }>;

/** What makes two requests the same: operation, parameters, query, body, and If-Match. */
export function requestHash(parts: Readonly<Record<string, unknown>>): string {
  return createHash("sha256").update(canonicalJson(parts)).digest("base64url");
}

/** The stored answer of a key, or null. Throws `idempotency.key-reused` if the key came with another request. */
export async function storedAnswer(query: Query, request: IdempotentRequest): Promise<StoredAnswer | null> {
  const rows = await query<StoredAnswer & { request_hash: string }>(
    "SELECT request_hash, status, etag, body FROM idempotency_keys WHERE actor = $1 AND key = $2",
    [request.actor, request.key],
  );
  const [row] = rows;
  if (row === undefined) return null;
  if (row.request_hash !== request.requestHash) {
    throw new Failure("idempotency.key-reused", `Idempotency-Key ${request.key} was used for another request`);
  }
  const { status, etag, body } = row;
  return { status, etag, body: request.seal === null ? body : opened(request.seal, request, body) };
}

/**
 * Takes the key in the act's transaction, before the act. A second request with the key waits here until the first has ended; then false
 * says that the first has an answer stored.
 */
export async function claimKey(query: Query, request: IdempotentRequest): Promise<boolean> {
  const rows = await query(
    `INSERT INTO idempotency_keys (actor, key, request_hash, status) VALUES ($1, $2, $3, 0)
     ON CONFLICT DO NOTHING RETURNING 1`,
    [request.actor, request.key, request.requestHash],
  );
  return rows.length === 1;
}

/** Stores the answer under the claimed key. */
export function storeAnswer(send: Send, request: IdempotentRequest, answer: StoredAnswer): void {
  send("UPDATE idempotency_keys SET status = $3, etag = $4, body = $5 WHERE actor = $1 AND key = $2", [
    request.actor,
    request.key,
    answer.status,
    answer.etag,
    answer.body === undefined
      ? null
      : JSON.stringify(request.seal === null ? answer.body : sealed(request.seal, request, answer)),
  ]);
}

type SealedBody = Readonly<{ keyId: string; wrappedKey: string; ciphertext: string }>;

const contextOf = ({ actor, key }: IdempotentRequest): string => `idempotency ${actor} ${key}`;

function sealed(ring: KeyRing, request: IdempotentRequest, { body }: StoredAnswer): SealedBody {
  const { keyId, wrappedKey, ciphertext } = ring.seal(Buffer.from(JSON.stringify(body)), contextOf(request));
  return { keyId, wrappedKey: wrappedKey.toString("base64"), ciphertext: ciphertext.toString("base64") };
}

function opened(ring: KeyRing, request: IdempotentRequest, body: unknown): unknown {
  if (body === null) return undefined;
  const { keyId, wrappedKey, ciphertext } = body as SealedBody;
  const parts = { keyId, wrappedKey: Buffer.from(wrappedKey, "base64"), ciphertext: Buffer.from(ciphertext, "base64") };
  return JSON.parse(ring.open(parts, contextOf(request)).toString("utf8")) as unknown;
}
