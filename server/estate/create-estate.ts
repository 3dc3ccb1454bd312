import {
  changeEstate as changeOperation,
  estateFilters,
  estateOperations,
  importEstate,
  listUses,
  type EstateRecord,
} from "@wcs/api/estate";
import { differences } from "@wcs/core/difference";
import {
  estateKindNames,
  estateKinds,
  importPath,
  mergeRow,
  type EstateDocument,
  type EstateIndex,
  type EstateKind,
  type EstateOutcome,
} from "@wcs/core/estate";
import { isAccessDocument, stageAccess, type AccessOutcome, type StagedAccess } from "../access/apply-access.ts";
import { notFound, principalReach, requireAccess } from "../access/principal.ts";
import type { Query } from "../database/database.ts";
import { Failure } from "../http/failure.ts";
import { decodePageCursor, encodePageCursor } from "../http/page-cursor.ts";
import { act, answer, read, type Route } from "../http/route.ts";
import type { Feature, Platform } from "../program/platform.ts";
import { changeEstate, type EstateAct, type EstateResult } from "./change-estate.ts";
import { createEstateMirror, lockEstate, type EstateMirror } from "./estate-mirror.ts";
import { estateUsers } from "./estate-users.ts";
import { seesUser, usersOfAll } from "./faults-of-deletions.ts";
import { listEstate, readEstate } from "./read-estate.ts";
import { mostUsers, type UsersOf } from "./record-users.ts";
import { scopeOfDocument } from "./scope-of-document.ts";

/** The estate: `/api/v1/hosts` and so on for each kind, and `/api/v1/estate-changes` for many documents at once. */
export function createEstate(platform: Platform, usersElsewhere: readonly UsersOf[]): Feature {
  const mirror = createEstateMirror();
  const changes = act(changeOperation, async ({ body, query, principal, ticket, language }, tx) => {
    const { documents = [], deletions = [] } = body;
    const whole = [...documents.entries()].map(([at, value]) => ({ at, value, isAccess: isAccessDocument(value) }));
    const inEstate = whole.filter(({ isAccess }) => !isAccess);
    // Changes of the estate are counted first, then those of people and rights.
    const pointers = [
      ...inEstate.map(({ at }) => `/documents/${at}`),
      ...deletions.map((_, at) => `/deletions/${at}`),
      ...whole.flatMap(({ at, isAccess }) => (isAccess ? [`/documents/${at}`] : [])),
    ];
    const firstAccess = inEstate.length + deletions.length;
    const puts = whole.flatMap(({ value, isAccess }) => (isAccess ? [value] : []));
    const named = new Set(inEstate.map(({ value }) => keyOfUnread(value)));
    let access: StagedAccess | undefined;
    const { outcomes, version } = await changeEstate(tx, mirror, {
      changes: [
        ...inEstate.map(({ value }) => ({ put: value })),
        ...deletions.map(({ version, ...ref }) => ({ delete: ref, ...(version === undefined ? {} : { version }) })),
      ],
      principal,
      ticket,
      isDryRun: query.dryRun === true,
      language,
      usersElsewhere,
      companion: async (isThere) => {
        access = await stageAccess(tx, {
          puts: puts.map((value, at) => ({ change: firstAccess + at, value })),
          principal,
          // What is in the request with faults of its own is not also missing.
          isInEstate: (kind, name) => named.has(`${kind}/${name}`) || isThere({ kind, name }),
        });
        const hasChanges = access.outcomes.some(({ action }) => action !== "unchanged");
        return { ...access, hasChanges };
      },
      pointerOf: (at) => pointers[at] ?? "",
    });
    const rank = new Map(pointers.map((pointer, change) => [change, orderOf(pointer, documents.length)]));
    const shown = [...outcomes, ...(access?.outcomes ?? [])]
      .sort((a, b) => (rank.get(a.change) ?? 0) - (rank.get(b.change) ?? 0))
      .map(shownOutcome);
    return answer(200, { outcomes: shown, version });
  });
  const imports = act(importEstate, async ({ body: { rows }, query, principal, ticket, language }, tx) => {
    const index = await lockEstate(tx.query, mirror);
    const places = rows.map(
      ({ values }) => new Map(Object.keys(values).map((path) => [importPath(path).join("/"), path])),
    );
    const { outcomes, version } = await changeEstate(tx, mirror, {
      changes: rows.map((row) => ({ put: mergeRow(index.documents[row.kind].get(row.name), row) })),
      principal,
      ticket,
      isDryRun: query.dryRun === true,
      language,
      usersElsewhere,
      pointerOf: (at) => `/rows/${at}`,
      placeOf: (at, path) => {
        const value = places[at]?.get(path.join("/"));
        return value === undefined ? [] : ["values", value];
      },
    });
    return answer(200, { outcomes: outcomes.map(shownOutcome), version });
  });
  const uses = read(listUses, async ({ query: { kind, name }, principal }) => {
    const { query } = platform.database;
    const found = await readEstate(query, kind, name);
    const resource = estateKinds[kind].plural;
    if (found === null) throw notFound(resource, name);
    requireAccess(principal, { verb: "get", resource, name, scope: found.scope });
    const users = await usersOfAll([estateUsers, ...usersElsewhere], query, kind, [name]);
    const seen = users.filter((user) => seesUser(principal, user));
    const items = seen.slice(0, mostUsers).map((user) => ({ kind: user.kind, name: user.name }));
    return answer(200, { items, more: users.length > items.length });
  });
  const routes = estateKindNames.flatMap((kind) => routesOf(kind, { platform, mirror, usersElsewhere }));
  return { routes: [...routes, changes, imports, uses] };
}

/** The place of a change in the request: documents, then deletions. */
function orderOf(pointer: string, documents: number): number {
  const [, list, at] = pointer.split("/");
  return Number(at) + (list === "deletions" ? documents : 0);
}

function keyOfUnread(value: unknown): string {
  const { kind, name } = (value ?? {}) as Readonly<{ kind?: unknown; name?: unknown }>;
  return `${String(kind)}/${String(name)}`;
}

function shownOutcome({ ref: { kind, name }, action, before, after }: EstateOutcome | AccessOutcome) {
  if (action !== "changed") return { kind, name, action };
  // `undefined` stands for a field that is not there, and JSON leaves it out.
  const all = differences(sayingOf(before), sayingOf(after)).map((each) => ({ ...each }));
  return { kind, name, action, differences: all };
}

/** What a document says of itself: not who and when. */
function sayingOf(document: object | null): object {
  const { title, labels, spec } = (document ?? {}) as Readonly<{ title?: string; labels?: object; spec?: object }>;
  return { ...(title === undefined ? {} : { title }), ...(labels === undefined ? {} : { labels }), spec };
}

type Estate = Readonly<{ platform: Platform; mirror: EstateMirror; usersElsewhere: readonly UsersOf[] }>;

function routesOf(kind: EstateKind, { platform: { database }, mirror, usersElsewhere }: Estate): readonly Route[] {
  const operations = estateOperations[kind];
  const resource = estateKinds[kind].plural;
  const filterable = new Set<string>(estateFilters[kind]);
  const one = (outcomes: readonly EstateOutcome[]): EstateOutcome => {
    const [outcome] = outcomes;
    if (outcome === undefined) throw new Error("a change without a fault has an outcome");
    return outcome;
  };
  const pointerOf: EstateAct["pointerOf"] = () => "";
  const recordAfter = async (query: Query, { outcomes, version }: EstateResult): Promise<EstateRecord> => {
    const { ref, action, after } = one(outcomes);
    if (after !== null && action !== "unchanged") return { ...after, version };
    const found = await readEstate(query, kind, ref.name);
    if (found === null) throw new Error(`${kind} ${ref.name} is not there after its change`);
    return found.record;
  };
  const requireThere = (index: EstateIndex, name: string): EstateDocument => {
    const document = index.documents[kind].get(name);
    if (document === undefined) throw notFound(resource, name);
    return document;
  };

  return [
    read(operations.list, async ({ query, principal }) => {
      const { limit = 100, cursor, ...rest } = query;
      const [after] = cursor === undefined ? [""] : decodePageCursor(cursor, ["string"]);
      const filters = Object.fromEntries(
        Object.entries(rest).flatMap(([field, value]) => (filterable.has(field) ? [[field, String(value)]] : [])),
      );
      const reach = principalReach(principal, "list", resource);
      const found = await listEstate(database.query, kind, { after, limit: limit + 1, reach, filters });
      const items = found.slice(0, limit);
      const last = items.at(-1);
      const next = found.length > limit && last !== undefined ? encodePageCursor([last.name]) : null;
      return answer(200, { items, next });
    }),
    read(operations.get, async ({ params: { name }, principal }) => {
      const found = await readEstate(database.query, kind, name);
      if (found === null) throw notFound(resource, name);
      requireAccess(principal, { verb: "get", resource, name, scope: found.scope });
      return answer(200, found.record, found.record.version);
    }),
    act(operations.create, async ({ body, principal, ticket, language }, tx) => {
      const made = await changeEstate(tx, mirror, {
        changes: [{ put: body }],
        principal,
        ticket,
        language,
        usersElsewhere,
        pointerOf,
      });
      if (one(made.outcomes).action !== "created") {
        throw new Failure("resource.exists", `${resource}/${body.name} is there already`);
      }
      const record = await recordAfter(tx.query, made);
      return answer(201, record, record.version);
    }),
    act(operations.replace, async ({ params: { name }, body, principal, ticket, language, ifMatch }, tx) => {
      if (body.name !== name) {
        const errors = [{ pointer: "/name", message: `is ${body.name}; a name is for good` }];
        throw new Failure("request.invalid", `the path says ${name}, the body ${body.name}`, { errors });
      }
      const put = ifMatch === null ? body : { ...body, version: ifMatch };
      const require = (index: EstateIndex): void => void requireThere(index, name);
      const asked = { principal, ticket, language, usersElsewhere, pointerOf, require };
      const record = await recordAfter(tx.query, await changeEstate(tx, mirror, { changes: [{ put }], ...asked }));
      return answer(200, record, record.version);
    }),
    act(operations.remove, async ({ params: { name }, principal, ticket, language, ifMatch }, tx) => {
      const require = (index: EstateIndex): void => {
        const scope = scopeOfDocument(index, requireThere(index, name));
        requireAccess(principal, { verb: "delete", resource, name, scope });
      };
      const change = { delete: { kind, name }, ...(ifMatch === null ? {} : { version: ifMatch }) };
      const asked = { principal, ticket, language, usersElsewhere, pointerOf, require };
      await changeEstate(tx, mirror, { changes: [change], ...asked });
      return answer(204, undefined);
    }),
  ];
}
