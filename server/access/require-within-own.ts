import type { AccessKind, AccessSpec } from "@wcs/api/access";
import { reaches, type Grant, type Scope } from "@wcs/core/access-rights";
import type { Query } from "../database/database.ts";
import { Failure } from "../http/failure.ts";
import { readAccess } from "./access-store.ts";
import { principalReach, type Principal } from "./principal.ts";

/**
 * Nobody gives away, or takes from others, more than they have: a role's rules, and a binding's role within the binding's bounds, must be
 * within the principal's own reach. Otherwise whoever may write role bindings is an administrator.
 */
export async function requireWithinOwn(
  query: Query,
  principal: Principal,
  {
    kind,
    spec,
    roleSpec,
  }: Readonly<{
    kind: AccessKind;
    spec: AccessSpec<AccessKind>;
    /** What a role will say that the same change makes; null: it does not. */
    roleSpec?: (role: string) => AccessSpec<"Role"> | null;
  }>,
): Promise<void> {
  let grants: readonly Grant[] = [];
  if (kind === "Role") {
    const nowhereBound = { businesses: null, environments: null, dcnGroups: null };
    grants = (spec as AccessSpec<"Role">).rules.map((rule) => ({ ...rule, ...nowhereBound }));
  } else if (kind === "RoleBinding") {
    const { role, businesses = null, environments = null, dcnGroups = null } = spec as AccessSpec<"RoleBinding">;
    const rules = (roleSpec?.(role) ?? (await readAccess(query, "Role", role))?.spec)?.rules ?? [];
    grants = rules.map((rule) => ({ ...rule, businesses, environments, dcnGroups }));
  }
  for (const grant of grants) {
    if (grant.effect === "deny") continue;
    for (const verb of grant.verbs) {
      for (const resource of grant.resources) {
        const reach = principalReach(principal, verb, resource);
        if (!scopesOf(grant).every((scope) => reaches(reach, scope))) {
          throw new Failure("access.exceeds-own", `you may not ${verb} ${resource} everywhere that this gives it`);
        }
      }
    }
  }
}

const mostScopes = 10_000;

/** Scopes that stand for all that a grant covers: each listed name, and a name that no list can have for "all". */
function scopesOf({ businesses, environments, dcnGroups }: Grant): readonly Scope[] {
  const any = ["\u0000any"];
  const count = (businesses ?? any).length * (environments ?? any).length * (dcnGroups ?? any).length;
  if (count > mostScopes) {
    throw new Failure("request.invalid", `a binding has at most ${mostScopes} combinations of bounds`);
  }
  return (businesses ?? any).flatMap((business) =>
    (environments ?? any).flatMap((environment) =>
      (dcnGroups ?? any).map((dcnGroup) => ({ business, environment, dcnGroup })),
    ),
  );
}
