import { timingSafeEqual } from "node:crypto";
import type { Grant } from "@wcs/core/access-rights";
import type { Principal, TokenScope } from "../access/principal.ts";
import type { Query, Row } from "../database/database.ts";
import { parseToken } from "./token-text.ts";

export type Authenticator = Readonly<{
  /** The principal of a token; null when the token is not valid (any more). */
  principalOf: (token: string) => Promise<Principal | null>;
  /** Whether the token was valid when it was last asked about; asks nobody. */
  wasGood: (token: string) => boolean;
}>;

export type AuthenticatorOptions = Readonly<{
  query: Query;
  /** What the role bindings give to a person or a service account; null when the subject may not act (any more). */
  grantsOf: (
    subject: Readonly<{ kind: "Person" | "ServiceAccount"; name: string }>,
  ) => Promise<readonly Grant[] | null>;
  now: () => number;
}>;

type TokenRow = Row &
  Readonly<{
    hash: Buffer;
    subject_kind: Principal["kind"];
    subject_name: string;
    scope: TokenScope | null;
    expires_at: Date;
    revoked_at: Date | null;
  }>;

/** What the system's own administrator may do. */
const everything: readonly Grant[] = [
  { effect: "allow", verbs: ["*"], resources: ["*"], businesses: null, environments: null, dcnGroups: null },
];

/** How long a token's rights are believed without asking again: a revoked token dies within this time, on every server. */
const believedMs = 1000;
const mostBelieved = 10_000;
const usedEveryMs = 60_000;

/** Finds the principal of a token. Tokens are compared by their hashes in constant time. */
export function createAuthenticator({ query, grantsOf, now }: AuthenticatorOptions): Authenticator {
  const believed = new Map<
    string,
    Readonly<{ hash: Buffer; principal: Principal; expiresMs: number; until: number }>
  >();
  const usedAt = new Map<string, number>();

  const markUsed = async (id: string): Promise<void> => {
    if (now() - (usedAt.get(id) ?? 0) < usedEveryMs) return;
    if (usedAt.size >= mostBelieved) usedAt.clear();
    usedAt.set(id, now());
    await query("UPDATE tokens SET last_used_at = now() WHERE id = $1", [id]);
  };

  const principalOf = async (text: string): Promise<Principal | null> => {
    const parsed = parseToken(text);
    if (parsed === null) return null;
    const { id, hash } = parsed;
    const known = believed.get(id);
    if (known !== undefined && now() < Math.min(known.until, known.expiresMs)) {
      return timingSafeEqual(known.hash, hash) ? known.principal : null;
    }
    const [row] = await query<TokenRow>(
      "SELECT hash, subject_kind, subject_name, scope, expires_at, revoked_at FROM tokens WHERE id = $1",
      [id],
    );
    if (row === undefined || !timingSafeEqual(row.hash, hash)) return null;
    const { subject_kind: kind, subject_name: name } = row;
    const isOver = row.revoked_at !== null || row.expires_at.getTime() <= now();
    const grants = isOver ? null : kind === "System" ? everything : await grantsOf({ kind, name });
    if (grants === null) {
      believed.delete(id);
      return null;
    }
    const principal: Principal = { kind, name, tokenId: id, grants, tokenScope: row.scope };
    if (believed.size >= mostBelieved) believed.clear();
    believed.set(id, { hash, principal, expiresMs: row.expires_at.getTime(), until: now() + believedMs });
    await markUsed(id);
    return principal;
  };

  const wasGood = (text: string): boolean => {
    const parsed = parseToken(text);
    const known = parsed === null ? undefined : believed.get(parsed.id);
    return known !== undefined && parsed !== null && timingSafeEqual(known.hash, parsed.hash);
  };
  return { principalOf, wasGood };
}
