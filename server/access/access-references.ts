import type { AccessKind, AccessSpec } from "@wcs/api/access";
import type { EstateKind } from "@wcs/core/estate";
import { reaches } from "@wcs/core/access-rights";
import type { Query, Row } from "../database/database.ts";
import { accessTable } from "./access-store.ts";
import { nowhere } from "./nowhere.ts";
import { principalReach, type Principal } from "./principal.ts";
import { resourceOfKind } from "./resource-of-kind.ts";

/** A field of a record's spec that names another record. */
export type AccessReference = Readonly<{
  kind: AccessKind | (EstateKind & ("Person" | "Business" | "Environment" | "DCNGroup"));
  name: string;
  path: readonly (string | number)[];
}>;

/** Everything that a spec names. */
export function accessReferences(kind: AccessKind, spec: AccessSpec<AccessKind>): readonly AccessReference[] {
  const found: AccessReference[] = [];
  const refer = (to: AccessReference["kind"], name: string, ...path: (string | number)[]): void => {
    found.push({ kind: to, name, path: ["spec", ...path] });
  };
  if (kind === "Group" || kind === "ServiceAccount") {
    const { business, members = [] } = spec as Partial<AccessSpec<"Group">>;
    if (business !== undefined) refer("Business", business, "business");
    members.forEach((member, at) => refer("Person", member, "members", at));
  } else if (kind === "RoleBinding") {
    const { role, subjects, businesses, environments, dcnGroups } = spec as AccessSpec<"RoleBinding">;
    refer("Role", role, "role");
    subjects.forEach((subject, at) => refer(subject.kind, subject.name, "subjects", at, "name"));
    businesses?.forEach((name, at) => refer("Business", name, "businesses", at));
    environments?.forEach((name, at) => refer("Environment", name, "environments", at));
    dcnGroups?.forEach((name, at) => refer("DCNGroup", name, "dcnGroups", at));
  }
  return found;
}

/** What a new spec names and the one before did not. */
export function newReferences(
  kind: AccessKind,
  { before, after }: Readonly<{ before: AccessSpec<AccessKind> | null; after: AccessSpec<AccessKind> }>,
): readonly AccessReference[] {
  const key = (reference: AccessReference) => `${reference.kind}/${reference.name}`;
  const kept = new Set(before === null ? [] : accessReferences(kind, before).map(key));
  return accessReferences(kind, after).filter((reference) => !kept.has(key(reference)));
}

type NameRow = Row & Readonly<{ name: string; business: string | null }>;

/**
 * Which of the names are no groups, service accounts or roles that the principal may see; the others stay until the transaction ends. What one may not
 * see is not there, so that nobody learns of another business's names by referring to them.
 */
export async function missingInAccess(
  query: Query,
  principal: Principal,
  { kind, names }: Readonly<{ kind: AccessKind; names: readonly string[] }>,
): Promise<readonly string[]> {
  if (names.length === 0) return [];
  const rows = await query<NameRow>(
    `SELECT name, business FROM ${accessTable(kind)} WHERE name = ANY($1::text[]) ORDER BY name FOR KEY SHARE`,
    [names],
  );
  const reach = principalReach(principal, "get", resourceOfKind(kind));
  const seen = new Set(rows.filter(({ business }) => reaches(reach, { ...nowhere, business })).map(({ name }) => name));
  return [...new Set(names)].filter((name) => !seen.has(name));
}
