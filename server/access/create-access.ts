import { accessKinds, accessOperations, type AccessKind, type AccessSpec } from "@wcs/api/access";
import { reaches, type Grant, type Scope } from "@wcs/core/access-rights";
import { DatabaseError } from "pg";
import { recordAudit } from "../audit/record-audit.ts";
import type { Query } from "../database/database.ts";
import type { Transaction } from "../database/transaction.ts";
import { recordEvent } from "../events/record-event.ts";
import { Failure } from "../http/failure.ts";
import { decodePageCursor, encodePageCursor } from "../http/page-cursor.ts";
import { act, answer, read, type Route } from "../http/route.ts";
import type { Feature, Platform } from "../program/platform.ts";
import {
  listAccess,
  readAccess,
  referrersOfAccess,
  removeAccess,
  scopeOfAccess,
  writeAccess,
  type AccessRecord,
} from "./access-store.ts";
import { notFound, principalReach, requireAccess, type Principal } from "./principal.ts";

/** Asks the estate which of the names are not there, as far as the principal may know; the others stay until the transaction ends. */
export type MissingInEstate = (
  query: Query,
  principal: Principal,
  wanted: Readonly<{ kind: "Person" | "Business" | "Environment" | "DCNGroup"; names: readonly string[] }>,
) => Promise<readonly string[]>;

/** What this feature asks of others. */
export type AccessNeighbours = Readonly<{
  missingInEstate: MissingInEstate;
  /** The ids of a service account's good tokens. */
  tokensOf: (query: Query, serviceAccount: string) => Promise<readonly string[]>;
}>;

/** Groups, service accounts, roles and role bindings: `/api/v1/groups` and so on. */
export function createAccess(platform: Platform, neighbours: AccessNeighbours): Feature {
  const kinds = Object.keys(accessKinds) as AccessKind[];
  return { routes: kinds.flatMap((kind) => routesOf(kind, platform, neighbours)) };
}

// The five operations of each kind have the same shape; which spec they take, the schemas check before.
function routesOf(
  kind: AccessKind,
  { database }: Platform,
  { missingInEstate, tokensOf }: AccessNeighbours,
): readonly Route[] {
  const operations = accessOperations[kind] as (typeof accessOperations)["ServiceAccount"];
  type Shown = AccessRecord<"ServiceAccount">;
  const { plural: resource } = accessKinds[kind];
  const shown = (record: AccessRecord): Shown => record as Shown;

  const lockFor = async (
    verb: "update" | "delete",
    request: Readonly<{ principal: Principal; name: string; ifMatch: number | null }>,
    tx: Transaction,
  ): Promise<AccessRecord> => {
    const { principal, name, ifMatch } = request;
    const record = await readAccess(tx.query, kind, name, true);
    if (record === null) throw notFound(resource, name);
    requireAccess(principal, { verb, resource, name, scope: scopeOfAccess(kind, record.spec) });
    if (ifMatch !== null && ifMatch !== record.version) {
      throw new Failure(
        "resource.version-mismatch",
        `${resource}/${name} is at version ${record.version}, not ${ifMatch}`,
      );
    }
    return record;
  };
  const record = (tx: Transaction, before: AccessRecord | null, after: AccessRecord | null): void => {
    const last = after ?? before;
    if (last === null) throw new Error("a change has a before or an after");
    const { name, version, spec } = last;
    const scope = scopeOfAccess(kind, spec);
    const change = after === null ? "deleted" : before === null ? "created" : "updated";
    recordEvent(tx, { change, kind, name, version, scope, record: last });
    recordAudit(tx, { resource: { kind, name }, scope, before, after, outcome: "done" });
  };

  return [
    read(operations.list, async ({ query, principal }) => {
      const limit = query.limit ?? 100;
      const [after] = query.cursor === undefined ? [""] : decodePageCursor(query.cursor, ["string"]);
      const reach = principalReach(principal, "list", resource);
      const found = await listAccess(database.query, kind, { after, limit: limit + 1, reach });
      const items = found.slice(0, limit).map(shown);
      const last = items.at(-1);
      return answer(200, {
        items,
        next: found.length > limit && last !== undefined ? encodePageCursor([last.name]) : null,
      });
    }),
    read(operations.get, async ({ params: { name }, principal }) => {
      const found = await readAccess(database.query, kind, name);
      if (found === null) throw notFound(resource, name);
      requireAccess(principal, { verb: "get", resource, name, scope: scopeOfAccess(kind, found.spec) });
      return answer(200, shown(found), found.version);
    }),
    act(operations.create, async ({ body, principal }, tx) => {
      const { name, spec } = body;
      const scope = scopeOfAccess(kind, spec);
      requireAccess(principal, { verb: "create", resource, name, scope });
      await requireWithinOwn(tx.query, principal, kind, spec);
      await requireReferences(kind, { after: spec }, (wanted) => missingInEstate(tx.query, principal, wanted));
      if ((await readAccess(tx.query, kind, name)) !== null) {
        throw new Failure("resource.exists", `${resource}/${name} is there already`);
      }
      const made = await refusing(() => writeAccess(tx.query, kind, body, null), resource, name);
      record(tx, null, made);
      return answer(201, shown(made), made.version);
    }),
    act(operations.replace, async ({ params: { name }, body, principal, ifMatch }, tx) => {
      const before = await lockFor("update", { principal, name, ifMatch }, tx);
      requireAccess(principal, { verb: "update", resource, name, scope: scopeOfAccess(kind, body.spec) });
      await requireWithinOwn(tx.query, principal, kind, before.spec);
      await requireWithinOwn(tx.query, principal, kind, body.spec);
      const specs = { before: before.spec, after: body.spec };
      await requireReferences(kind, specs, (wanted) => missingInEstate(tx.query, principal, wanted));
      const after = await refusing(
        () => writeAccess(tx.query, kind, { name, ...body }, before.version),
        resource,
        name,
      );
      record(tx, before, after);
      return answer(200, shown(after), after.version);
    }),
    act(operations.remove, async ({ params: { name }, principal, ifMatch }, tx) => {
      const before = await lockFor("delete", { principal, name, ifMatch }, tx);
      await requireWithinOwn(tx.query, principal, kind, before.spec);
      const referrers = await referrersOfAccess(tx.query, kind, name);
      const tokens = kind === "ServiceAccount" ? await tokensOf(tx.query, name) : [];
      const errors = [
        ...referrers.map((each) => ({ kind: "RoleBinding", name: each, message: `refers to ${kind} ${name}` })),
        ...tokens.map((each) => ({ kind: "Token", name: each, message: `is good for ${kind} ${name}; revoke it` })),
      ];
      if (errors.length > 0) {
        throw new Failure("resource.referenced", `${resource}/${name} is still in use`, { errors });
      }
      await removeAccess(tx.query, kind, name);
      record(tx, before, null);
      return answer(204, undefined);
    }),
  ];
}

/**
 * Nobody gives away, or takes from others, more than they have: a role's rules, and a binding's role within the binding's bounds, must be
 * within the principal's own reach. Otherwise whoever may write role bindings is an administrator.
 */
async function requireWithinOwn(
  query: Query,
  principal: Principal,
  kind: AccessKind,
  spec: AccessSpec<AccessKind>,
): Promise<void> {
  let grants: readonly Grant[] = [];
  if (kind === "Role") {
    const nowhereBound = { businesses: null, environments: null, dcnGroups: null };
    grants = (spec as AccessSpec<"Role">).rules.map((rule) => ({ ...rule, ...nowhereBound }));
  } else if (kind === "RoleBinding") {
    const { role, businesses = null, environments = null, dcnGroups = null } = spec as AccessSpec<"RoleBinding">;
    const rules = (await readAccess(query, "Role", role))?.spec.rules ?? [];
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

type References = Record<"Person" | "Business" | "Environment" | "DCNGroup", readonly string[]>;

function referencesOf(kind: AccessKind, spec: AccessSpec<AccessKind> | undefined): References {
  const names: References = { Person: [], Business: [], Environment: [], DCNGroup: [] };
  if (spec === undefined) return names;
  if (kind === "Group" || kind === "ServiceAccount") {
    const { business, members = [] } = spec as Partial<AccessSpec<"Group">>;
    return { ...names, Business: business === undefined ? [] : [business], Person: members };
  }
  if (kind === "Role") return names;
  const { subjects, businesses = [], environments = [], dcnGroups = [] } = spec as AccessSpec<"RoleBinding">;
  const people = subjects.filter((subject) => subject.kind === "Person").map(({ name }) => name);
  return { Person: people, Business: businesses, Environment: environments, DCNGroup: dcnGroups };
}

/** What the new spec names and the one before did not is there. */
async function requireReferences(
  kind: AccessKind,
  { before, after }: Readonly<{ before?: AccessSpec<AccessKind>; after: AccessSpec<AccessKind> }>,
  missing: (wanted: Parameters<MissingInEstate>[2]) => Promise<readonly string[]>,
): Promise<void> {
  const kept = referencesOf(kind, before);
  const errors = [];
  for (const [each, names] of Object.entries(referencesOf(kind, after)) as [keyof References, readonly string[]][]) {
    const known = new Set(kept[each]);
    const wanted = { kind: each, names: names.filter((name) => !known.has(name)) };
    errors.push(...(await missing(wanted)).map((name) => ({ kind: each, name, message: "is not there" })));
  }
  if (errors.length > 0) throw new Failure("resource.reference-missing", "it refers to what is not there", { errors });
}

// unique_violation and foreign_key_violation (PostgreSQL 18, appendix A): two requests at once, or a reference that the database checks.
async function refusing<T>(write: () => Promise<T>, resource: string, name: string): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    if (error.code === "23505") {
      throw new Failure("resource.exists", `${resource}/${name} is there already`, { cause: error });
    }
    if (error.code === "23503") {
      const detail = /=\((.*)\) is not present in table "(\w+)"/.exec(error.detail ?? "");
      const missing = detail === null ? "something" : `${detail[2]}/${detail[1]}`;
      throw new Failure("resource.reference-missing", `it refers to ${missing}, which is not there`, { cause: error });
    }
    throw error;
  }
}
