import { accessKinds, accessOperations, type AccessKind, type AccessSpec } from "@wcs/api/access";
import { DatabaseError } from "pg";
import type { Query } from "../database/database.ts";
import type { Transaction } from "../database/transaction.ts";
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
import { missingInAccess, newReferences, type AccessReference } from "./access-references.ts";
import { notFound, principalReach, requireAccess, type Principal } from "./principal.ts";
import { recordAccess } from "./record-access.ts";
import { requireWithinOwn } from "./require-within-own.ts";

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
  const missingOf =
    (query: Query, principal: Principal): Missing =>
    (wanted, names) =>
      isAccessKind(wanted)
        ? missingInAccess(query, principal, { kind: wanted, names })
        : missingInEstate(query, principal, { kind: wanted, names });

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
      await requireWithinOwn(tx.query, principal, { kind, spec });
      await requireReferences(kind, { before: null, after: spec }, missingOf(tx.query, principal));
      if ((await readAccess(tx.query, kind, name)) !== null) {
        throw new Failure("resource.exists", `${resource}/${name} is there already`);
      }
      const made = await refusing(() => writeAccess(tx.query, kind, body, null), resource, name);
      recordAccess(tx, kind, { before: null, after: made });
      return answer(201, shown(made), made.version);
    }),
    act(operations.replace, async ({ params: { name }, body, principal, ifMatch }, tx) => {
      const before = await lockFor("update", { principal, name, ifMatch }, tx);
      requireAccess(principal, { verb: "update", resource, name, scope: scopeOfAccess(kind, body.spec) });
      await requireWithinOwn(tx.query, principal, { kind, spec: before.spec });
      await requireWithinOwn(tx.query, principal, { kind, spec: body.spec });
      await requireReferences(kind, { before: before.spec, after: body.spec }, missingOf(tx.query, principal));
      const after = await refusing(
        () => writeAccess(tx.query, kind, { name, ...body }, before.version),
        resource,
        name,
      );
      recordAccess(tx, kind, { before, after });
      return answer(200, shown(after), after.version);
    }),
    act(operations.remove, async ({ params: { name }, principal, ifMatch }, tx) => {
      const before = await lockFor("delete", { principal, name, ifMatch }, tx);
      await requireWithinOwn(tx.query, principal, { kind, spec: before.spec });
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
      recordAccess(tx, kind, { before, after: null });
      return answer(204, undefined);
    }),
  ];
}

type Missing = (kind: AccessReference["kind"], names: readonly string[]) => Promise<readonly string[]>;

/** What the new spec names and the one before did not is there. */
async function requireReferences(
  kind: AccessKind,
  specs: Readonly<{ before: AccessSpec<AccessKind> | null; after: AccessSpec<AccessKind> }>,
  missing: Missing,
): Promise<void> {
  const errors = [];
  for (const [each, references] of Map.groupBy(newReferences(kind, specs), (reference) => reference.kind)) {
    const names = references.map(({ name }) => name);
    errors.push(...(await missing(each, names)).map((name) => ({ kind: each, name, message: "is not there" })));
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

function isAccessKind(kind: AccessReference["kind"]): kind is AccessKind {
  return Object.hasOwn(accessKinds, kind);
}
