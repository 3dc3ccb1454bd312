import { grantEffect, type GrantWish } from "@wcs/core/privilege-grant";
import type { Query } from "../database/database.ts";
import { selectGrants } from "./grant-record.ts";

/** What a person may do now on an instance beyond their role, and until when. */
export type ActiveGrant = Readonly<{ id: string; wish: GrantWish; endsAt: Date }>;

/** The grant of this grade that counts now and lasts longest; null when there is none. */
export async function activeGrant(
  query: Query,
  asked: Readonly<{ person: string; instance: string; grade: GrantWish["grade"] }>,
): Promise<ActiveGrant | null> {
  const found = await selectGrants(
    query,
    `person = $1 AND instances @> ARRAY[$2] AND wish ->> 'grade' = $3 AND state = 'approved' AND ends_at > now() ORDER BY ends_at DESC LIMIT 1`,
    [asked.person, asked.instance, asked.grade],
  );
  const [grant] = found;
  if (grant === undefined || grant.startsAt === null || grant.endsAt === null) return null;
  const sealed = { state: grant.state, startsAtMs: grant.startsAt.getTime(), endsAtMs: grant.endsAt.getTime() };
  // The clocks of database and server may differ: it must count by both.
  if (grantEffect(sealed, Math.max(Date.now(), sealed.startsAtMs)) !== "active") return null;
  return { id: grant.id, wish: grant.wish, endsAt: grant.endsAt };
}
