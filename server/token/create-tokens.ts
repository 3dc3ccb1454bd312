import { tokenOperations } from "@wcs/api/token";
import type { MissingInEstate } from "../access/create-access.ts";
import { nowhere } from "../access/nowhere.ts";
import { notFound, principalReach, type Principal, type TokenScope } from "../access/principal.ts";
import { reaches, type Scope } from "@wcs/core/access-rights";
import { recordAudit } from "../audit/record-audit.ts";
import type { Query, Row } from "../database/database.ts";
import { Failure } from "../http/failure.ts";
import { decodePageCursor, encodePageCursor } from "../http/page-cursor.ts";
import { act, answer, read } from "../http/route.ts";
import type { Feature, Platform } from "../program/platform.ts";
import { newToken } from "./token-text.ts";

const [list, create, revoke] = tokenOperations;

type TokenRow = Row &
  Readonly<{
    id: string;
    subject_kind: Principal["kind"];
    subject_name: string;
    description: string;
    scope: TokenScope | null;
    created_at: Date;
    expires_at: Date;
    revoked_at: Date | null;
    last_used_at: Date | null;
  }>;

const columns = "id, subject_kind, subject_name, description, scope, created_at, expires_at, revoked_at, last_used_at";

/** Who a token can be for. */
export type TokenSubject = Readonly<{ kind: "Person" | "ServiceAccount"; name: string }>;

/** The scope of a person or a service account in the estate; null when there is none of the name. */
export type SubjectScope = (query: Query, subject: TokenSubject) => Promise<Scope | null>;

/** `/api/v1/tokens`: people make and revoke their own; who may `create tokens` for a subject's business, those of others. */
export function createTokens(
  platform: Platform,
  { scopeOfSubject, missingInEstate }: Readonly<{ scopeOfSubject: SubjectScope; missingInEstate: MissingInEstate }>,
): Feature {
  const mayAdminister = async (
    principal: Principal,
    verb: "create" | "delete" | "list",
    subject: Readonly<{ kind: Principal["kind"]; name: string }>,
    query: Query,
  ): Promise<Scope | null> => {
    const isSystem = subject.kind === "System";
    const scope = isSystem ? nowhere : await scopeOfSubject(query, subject as TokenSubject);
    if (scope === null) return null;
    const isOwn = principal.kind === subject.kind && principal.name === subject.name;
    return isOwn || reaches(principalReach(principal, verb, "tokens"), scope) ? scope : null;
  };

  return {
    routes: [
      read(list, async ({ query, principal }) => {
        const limit = query.limit ?? 100;
        const [after] = query.cursor === undefined ? [""] : decodePageCursor(query.cursor, ["string"]);
        const items: TokenRow[] = [];
        let place = after;
        let isLast = false;
        while (items.length < limit && !isLast) {
          const rows = await platform.database.query<TokenRow>(
            `SELECT ${columns} FROM tokens WHERE id > $1 ORDER BY id LIMIT 500`,
            [place],
          );
          isLast = rows.length < 500;
          for (const row of rows) {
            const subject = { kind: row.subject_kind, name: row.subject_name };
            if ((await mayAdminister(principal, "list", subject, platform.database.query)) !== null) items.push(row);
            place = row.id;
            if (items.length === limit) break;
          }
        }
        const isFull = items.length === limit;
        return answer(200, { items: items.map(tokenOf), next: isFull ? encodePageCursor([place]) : null });
      }),
      act(create, async ({ body, principal, query }, tx) => {
        const subject = body.subject ?? ownSubject(principal);
        const scope = await mayAdminister(principal, "create", subject, tx.query);
        if (scope === null) throw notFound(subject.kind === "Person" ? "people" : "service-accounts", subject.name);
        const isOwn = principal.kind === subject.kind && principal.name === subject.name;
        const tokenScope = isOwn ? narrowed(body.scope ?? null, principal.tokenScope) : (body.scope ?? null);
        if (!isOwn && principal.tokenScope !== null) {
          throw new Failure("token.exceeds-own", "a scoped token makes tokens for its own subject only");
        }
        await requireInEstate(tokenScope, (kind, names) => missingInEstate(tx.query, principal, { kind, names }));

        const token = newToken();
        const [row] = await tx.query<TokenRow>(
          `INSERT INTO tokens (id, hash, subject_kind, subject_name, description, scope, expires_at)
           VALUES ($1, $2, $3, $4, $5, $6, now() + $7 * interval '1 hour') RETURNING ${columns}`,
          [
            token.id,
            token.hash,
            subject.kind,
            subject.name,
            body.description ?? "",
            tokenScope === null ? null : JSON.stringify(tokenScope),
            body.lifetimeHours,
          ],
        );
        if (row === undefined) throw new Error("INSERT returned no row");
        const made = tokenOf(row);
        recordAudit(tx, {
          resource: { kind: "Token", name: token.id },
          scope,
          before: null,
          after: made,
          outcome: "done",
        });
        return answer(201, { token: made, text: query.dryRun === true ? "" : token.text });
      }),
      act(revoke, async ({ params, principal }, tx) => {
        const [row] = await tx.query<TokenRow>(`SELECT ${columns} FROM tokens WHERE id = $1 FOR UPDATE`, [params.id]);
        const subject = row === undefined ? null : { kind: row.subject_kind, name: row.subject_name };
        const scope = subject === null ? null : await mayAdminister(principal, "delete", subject, tx.query);
        if (row === undefined || scope === null) throw notFound("tokens", params.id);
        await tx.query("UPDATE tokens SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1", [params.id]);
        recordAudit(tx, {
          resource: { kind: "Token", name: params.id },
          scope,
          before: tokenOf(row),
          after: null,
          outcome: "done",
        });
        return answer(204, undefined);
      }),
    ],
  };
}

function ownSubject(principal: Principal): TokenSubject {
  if (principal.kind !== "System") return { kind: principal.kind, name: principal.name };
  throw new Failure("token.exceeds-own", "name a subject: the first administrator gets no further tokens");
}

type Missing = (kind: "Business" | "Environment", names: readonly string[]) => Promise<readonly string[]>;

/** What a token's scope names is there, and stays until the transaction ends. */
async function requireInEstate(scope: TokenScope | null, missing: Missing): Promise<void> {
  const wanted = [
    ["Business", scope?.businesses ?? []],
    ["Environment", scope?.environments ?? []],
  ] as const;
  const errors = [];
  for (const [kind, names] of wanted) {
    errors.push(...(await missing(kind, names)).map((name) => ({ kind, name, message: "is not there" })));
  }
  if (errors.length > 0) throw new Failure("resource.reference-missing", "it names what is not there", { errors });
}

/** A token made with a scoped token can do no more than that one. */
function narrowed(wanted: TokenScope | null, most: TokenScope | null): TokenScope | null {
  if (most === null) return wanted;
  const result: Record<string, readonly string[]> = {};
  for (const part of ["verbs", "resources", "businesses", "environments"] as const) {
    const bound = most[part];
    const list = wanted?.[part] ?? bound;
    if (list === undefined) continue;
    const beyond = bound === undefined ? [] : list.filter((item) => !bound.includes(item));
    if (beyond.length > 0) {
      throw new Failure("token.exceeds-own", `the token you use has no ${part}: ${beyond.join(", ")}`);
    }
    result[part] = list;
  }
  return result;
}

function tokenOf(row: TokenRow) {
  return {
    id: row.id,
    subject: { kind: row.subject_kind, name: row.subject_name },
    description: row.description,
    scope: row.scope as {
      verbs?: string[];
      resources?: string[];
      businesses?: string[];
      environments?: string[];
    } | null,
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    revokedAt: row.revoked_at?.toISOString() ?? null,
    lastUsedAt: row.last_used_at?.toISOString() ?? null,
  };
}
