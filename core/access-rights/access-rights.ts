/** What a role binding grants or denies. `null` in a dimension means: not restricted in it. `*` in a list means all. */
export type Grant = Readonly<{
  effect: "allow" | "deny";
  verbs: readonly string[];
  resources: readonly string[];
  businesses: readonly string[] | null;
  environments: readonly string[] | null;
  dcnGroups: readonly string[] | null;
}>;

/** What a record belongs to; `null` when it belongs to none. */
export type Scope = Readonly<{ business: string | null; environment: string | null; dcnGroup: string | null }>;

/** A verb on a resource (a plural noun). `shared`: the resource is the bank's common ground, which every business may read. */
export type Wish = Readonly<{ verb: string; resource: string; shared: boolean }>;

type Restriction = Readonly<Pick<Grant, "businesses" | "environments" | "dcnGroups">>;

/**
 * Which records a wish reaches: those that one of `allow` covers and none of `deny` touches. `lenient`: a record without an
 * environment or DCN group is covered by a grant restricted in it, as for reading. `common`: so is one without a business.
 */
export type Reach = Readonly<{
  allow: readonly Restriction[];
  deny: readonly Restriction[];
  lenient: boolean;
  common: boolean;
}>;

const readVerbs: ReadonlySet<string> = new Set(["get", "list", "watch"]);

const names = (list: readonly string[], item: string): boolean => list.includes("*") || list.includes(item);

/** What the grants allow for a wish; a deny wins over every allow. An empty `allow` reaches nothing. */
export function reachOf(grants: readonly Grant[], wish: Wish): Reach {
  const matching = grants.filter((grant) => names(grant.verbs, wish.verb) && names(grant.resources, wish.resource));
  const lenient = readVerbs.has(wish.verb);
  return {
    allow: matching.filter(({ effect }) => effect === "allow").map(restrictionOf),
    deny: matching.filter(({ effect }) => effect === "deny").map(restrictionOf),
    lenient,
    common: lenient && wish.shared,
  };
}

function restrictionOf({ businesses, environments, dcnGroups }: Grant): Restriction {
  return { businesses, environments, dcnGroups };
}

/** Whether a record of `scope` is within reach. */
export function reaches(reach: Reach, scope: Scope): boolean {
  return reach.allow.some((allow) => covers(allow, scope, reach)) && !reach.deny.some((deny) => touches(deny, scope));
}

/** Whether anything can be within reach: false answers "you may not do this" before a record is looked for. */
export function reachesAnything(reach: Reach): boolean {
  const isTotal = (deny: Restriction): boolean =>
    deny.businesses === null && deny.environments === null && deny.dcnGroups === null;
  return reach.allow.length > 0 && !reach.deny.some(isTotal);
}

/** Whether every record is within reach. */
export function reachesEverything(reach: Reach): boolean {
  const isTotal = (allow: Restriction): boolean =>
    allow.businesses === null && allow.environments === null && allow.dcnGroups === null;
  return reach.allow.some(isTotal) && reach.deny.length === 0;
}

function covers(allow: Restriction, scope: Scope, { lenient, common }: Reach): boolean {
  const within = (list: readonly string[] | null, value: string | null, mayLack: boolean): boolean =>
    list === null || (value === null ? mayLack : list.includes(value));
  return (
    within(allow.businesses, scope.business, common) &&
    within(allow.environments, scope.environment, lenient) &&
    within(allow.dcnGroups, scope.dcnGroup, lenient)
  );
}

function touches(deny: Restriction, scope: Scope): boolean {
  const within = (list: readonly string[] | null, value: string | null): boolean =>
    list === null || (value !== null && list.includes(value));
  return (
    within(deny.businesses, scope.business) &&
    within(deny.environments, scope.environment) &&
    within(deny.dcnGroups, scope.dcnGroup)
  );
}
