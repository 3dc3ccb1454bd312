import type { Scope } from "@wcs/core/access-rights";
import type { EstateKind } from "@wcs/core/estate";
import type { Query, Row } from "../database/database.ts";

/** A record that uses a document of the estate. `of`: the document's name; `kind`, such as `Instance` or `RoleBinding`. */
export type RecordUser = Readonly<{ of: string; kind: string; name: string; scope: Scope }>;

/** What a feature says uses the named documents of a kind: what keeps them from being deleted. At most `mostUsers` for each way of using. */
export type UsersOf = (query: Query, kind: EstateKind, names: readonly string[]) => Promise<readonly RecordUser[]>;

/** One way in which records use documents of a kind: a query with the names as $1 that gives of, name, business, environment, dcn_group. */
export type RecordUse = Readonly<{ of: EstateKind; by: string; query: string }>;

/** So many users of one sort are told of at most. */
export const mostUsers = 1000;

type UserRow = Row &
  Readonly<{
    of: string;
    name: string;
    business: string | null;
    environment: string | null;
    dcn_group: string | null;
  }>;

/** Asks the queries of a feature's uses. */
export function usersBy(uses: readonly RecordUse[]): UsersOf {
  return async (query, kind, names) => {
    const users: RecordUser[] = [];
    for (const use of uses) {
      if (use.of !== kind) continue;
      const rows = await query<UserRow>(`${use.query} ORDER BY 1, 2 LIMIT ${mostUsers}`, [names]);
      for (const { of, name, business, environment, dcn_group: dcnGroup } of rows) {
        users.push({ of, kind: use.by, name, scope: { business, environment, dcnGroup } });
      }
    }
    return users;
  };
}
