import { reaches, reachesAnything, reachOf, type Grant, type Reach, type Scope } from "@wcs/core/access-rights";
import { nowhere } from "./nowhere.ts";
import { isSharedResource } from "./shared-resources.ts";
import { Failure } from "../http/failure.ts";

/** What a token may at most do, whoever's it is. `null` or a missing list: not restricted. */
export type TokenScope = Readonly<{
  verbs?: readonly string[];
  resources?: readonly string[];
  businesses?: readonly string[];
  environments?: readonly string[];
}>;

/** Who asks: a person, a service account, or the system's first administrator. */
export type Principal = Readonly<{
  kind: "Person" | "ServiceAccount" | "System";
  name: string;
  tokenId: string;
  /** What the role bindings of the subject and of its groups give. */
  grants: readonly Grant[];
  tokenScope: TokenScope | null;
}>;

/** Which records the principal reaches with a verb on a resource (a plural noun): within the grants and within the token's scope. */
export function principalReach(principal: Principal, verb: string, resource: string): Reach {
  const { tokenScope: scope } = principal;
  const wish = { verb, resource, shared: isSharedResource(resource) };
  const reach = reachOf(principal.grants, wish);
  if (scope === null) return reach;
  const includes = (list: readonly string[] | undefined, item: string) => list === undefined || list.includes(item);
  if (!includes(scope.verbs, verb) || !includes(scope.resources, resource)) return { ...reach, allow: [] };
  const within = (list: readonly string[] | null, most: readonly string[] | undefined): readonly string[] | null =>
    most === undefined ? list : list === null ? most : list.filter((item) => most.includes(item));
  return {
    ...reach,
    allow: reach.allow.map((allow) => ({
      ...allow,
      businesses: within(allow.businesses, scope.businesses),
      environments: within(allow.environments, scope.environments),
    })),
  };
}

/** Throws `auth.forbidden` unless the principal may do the verb on some record of the resource. */
export function requireAny(principal: Principal, verb: string, resource: string): void {
  if (!reachesAnything(principalReach(principal, verb, resource))) throw forbidden(principal, verb, resource);
}

/**
 * Throws unless the principal may do the verb on a record of this scope: `resource.not-found` if it may not even see it, so that
 * nobody learns of another business's names; `auth.forbidden` otherwise.
 */
export function requireAccess(
  principal: Principal,
  wish: Readonly<{ verb: string; resource: string; name: string; scope: Scope }>,
): void {
  const { verb, resource, name, scope } = wish;
  if (reaches(principalReach(principal, verb, resource), scope)) return;
  if (verb === "create" || reaches(principalReach(principal, "get", resource), scope)) {
    throw forbidden(principal, verb, resource);
  }
  throw notFound(resource, name);
}

/** Throws `auth.forbidden` unless the principal may do the verb on what belongs to the whole platform and to no business. */
export function requirePlatformAccess(principal: Principal, verb: string, resource: string): void {
  if (!reaches(principalReach(principal, verb, resource), nowhere)) throw forbidden(principal, verb, resource);
}

/** `resource.not-found`, the same whether the resource is not there or not to be seen. */
export function notFound(resource: string, name: string): Failure {
  return new Failure("resource.not-found", `${resource}/${name} is not there, or you may not see it`);
}

function forbidden(principal: Principal, verb: string, resource: string): Failure {
  return new Failure("auth.forbidden", `${principal.kind} ${principal.name} may not ${verb} ${resource} here`);
}
