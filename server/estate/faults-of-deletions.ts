import { reaches } from "@wcs/core/access-rights";
import { stillReferenced, type EstateFault, type EstateKind, type EstateOutcome } from "@wcs/core/estate";
import { principalReach, type Principal } from "../access/principal.ts";
import { resourceOfKind } from "../access/resource-of-kind.ts";
import type { Query } from "../database/database.ts";
import { estateTable } from "./estate-tables.ts";
import type { RecordUser, UsersOf } from "./record-users.ts";

/**
 * The faults of deletions of what records of other features use. Locks the rows that are to go, so that what is made meanwhile and names them is seen, or
 * waits and then is refused.
 */
export async function faultsOfDeletions(
  query: Query,
  outcomes: readonly EstateOutcome[],
  { usersElsewhere, principal }: Readonly<{ usersElsewhere: readonly UsersOf[]; principal: Principal }>,
): Promise<readonly EstateFault[]> {
  const faults: EstateFault[] = [];
  const deleted = outcomes.filter(({ action }) => action === "deleted");
  for (const [kind, ofKind] of Map.groupBy(deleted, ({ ref }) => ref.kind)) {
    const names = ofKind.map(({ ref }) => ref.name);
    await query(`SELECT 1 FROM ${estateTable(kind)} WHERE name = ANY($1::text[]) ORDER BY name FOR UPDATE`, [names]);
    const users = Map.groupBy(await usersOfAll(usersElsewhere, query, kind, names), ({ of }) => of);
    for (const outcome of ofKind) {
      const found = users.get(outcome.ref.name);
      if (found !== undefined) faults.push(stillReferenced(outcome, shownUsers(principal, found)));
    }
  }
  return faults;
}

/** What all features say. */
export async function usersOfAll(
  features: readonly UsersOf[],
  query: Query,
  kind: EstateKind,
  names: readonly string[],
): Promise<readonly RecordUser[]> {
  const users: RecordUser[] = [];
  for (const usersOf of features) users.push(...(await usersOf(query, kind, names)));
  return users;
}

/** Whether the principal may see that record. */
export function seesUser(principal: Principal, { kind, scope }: RecordUser): boolean {
  return reaches(principalReach(principal, "get", resourceOfKind(kind)), scope);
}

/** Users as a message names them; those that who asks may not know of stand as "…", at the end. */
function shownUsers(principal: Principal, users: readonly RecordUser[]): readonly string[] {
  const seen = users.filter((user) => seesUser(principal, user)).map(({ kind, name }) => `${kind} ${name}`);
  return [...seen, ...Array.from({ length: users.length - seen.length }, () => "…")];
}
