import type { Query, Row } from "../database/database.ts";
import type { KeyRing } from "./key-ring.ts";

type SecretRow = Row & Readonly<{ key_id: string; wrapped_key: Buffer; ciphertext: Buffer }>;

/** Keeps secrets encrypted in the database, by names such as `cluster/c1/kubeconfig`. No route of the API gives one out. */
export type SecretStore = Readonly<{
  put: (query: Query, name: string, plaintext: string) => Promise<void>;
  /** Null when there is none of the name. */
  get: (query: Query, name: string) => Promise<string | null>;
  remove: (query: Query, name: string) => Promise<void>;
  /** Wraps up to `most` secrets' keys, of those not under it yet, by the current key. Returns the key's id and how many it changed. */
  rewrap: (query: Query, most: number) => Promise<Readonly<{ keyId: string; count: number }>>;
}>;

export function createSecretStore(keyRing: KeyRing): SecretStore {
  const sealedOf = (row: SecretRow) => ({ keyId: row.key_id, wrappedKey: row.wrapped_key, ciphertext: row.ciphertext });
  return {
    put: async (query, name, plaintext) => {
      const sealed = keyRing.seal(Buffer.from(plaintext), name);
      await query(
        `INSERT INTO secrets (name, key_id, wrapped_key, ciphertext) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name) DO UPDATE SET key_id = $2, wrapped_key = $3, ciphertext = $4, updated_at = now()`,
        [name, sealed.keyId, sealed.wrappedKey, sealed.ciphertext],
      );
    },
    get: async (query, name) => {
      const [row] = await query<SecretRow>("SELECT key_id, wrapped_key, ciphertext FROM secrets WHERE name = $1", [
        name,
      ]);
      return row === undefined ? null : keyRing.open(sealedOf(row), name).toString();
    },
    remove: async (query, name) => {
      await query("DELETE FROM secrets WHERE name = $1", [name]);
    },
    rewrap: async (query, most) => {
      const keyId = keyRing.currentKeyId();
      const rows = await query<SecretRow & { name: string }>(
        "SELECT name, key_id, wrapped_key, ciphertext FROM secrets WHERE key_id <> $1 ORDER BY name LIMIT $2 FOR UPDATE SKIP LOCKED",
        [keyId, most],
      );
      for (const row of rows) {
        const sealed = keyRing.rewrap(sealedOf(row), row.name);
        await query("UPDATE secrets SET key_id = $2, wrapped_key = $3 WHERE name = $1", [
          row.name,
          sealed.keyId,
          sealed.wrappedKey,
        ]);
      }
      return { keyId, count: rows.length };
    },
  };
}
