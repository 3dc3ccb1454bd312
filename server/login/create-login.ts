import { loginOperations } from "@wcs/api/login";
import type { Scope } from "@wcs/core/access-rights";
import { nowhere } from "../access/nowhere.ts";
import { recordAudit } from "../audit/record-audit.ts";
import type { Query } from "../database/database.ts";
import { transaction, type ActContext } from "../database/transaction.ts";
import { Failure } from "../http/failure.ts";
import { answer, read, type RouteRequest } from "../http/route.ts";
import type { Feature, Platform } from "../program/platform.ts";
import { newToken } from "../token/token-text.ts";
import { createIdentityProvider, type IdentityProvider } from "./identity-provider.ts";

const [start, finish] = loginOperations;

/** The scope of a person of the estate; null when there is none of the name. */
export type PersonScope = (query: Query, name: string) => Promise<Scope | null>;

/** People's login by the identity provider. It gives a token only to people of the estate; what they may do, role bindings say. */
export function createLogin(platform: Platform, personScope: PersonScope): Feature {
  const { config, database } = platform;
  const provider = createIdentityProvider(platform);
  const configured = (): IdentityProvider => {
    if (provider !== null) return provider;
    throw new Failure("login.not-configured", "this server has no identity provider: use an API token");
  };
  return {
    routes: [
      read(start, async ({ body }) => answer(200, { authorizationUrl: await configured().authorizationUrl(body) })),
      read(finish, async (request) => {
        const name = await configured().nameOf(request.body);
        const token = newToken();
        const context = contextOf(request, name);
        const expiresAt = await transaction(database, { context }, async (tx) => {
          const scope = await personScope(tx.query, name);
          recordAudit(tx, {
            resource: { kind: "Token", name: scope === null ? "" : token.id },
            scope: scope ?? nowhere,
            before: null,
            after: scope === null ? { refused: "no such person" } : { subject: { kind: "Person", name } },
            outcome: scope === null ? "denied" : "done",
          });
          if (scope === null) return null;
          const [row] = await tx.query<{ expires_at: Date }>(
            `INSERT INTO tokens (id, hash, subject_kind, subject_name, description, expires_at)
             VALUES ($1, $2, 'Person', $3, 'login', now() + $4 * interval '1 hour') RETURNING expires_at`,
            [token.id, token.hash, name, config.loginHours],
          );
          return row?.expires_at ?? null;
        });
        if (expiresAt === null) throw new Failure("login.refused", `${name} is not among the people of the estate`);
        return answer(200, { person: name, text: token.text, expiresAt: expiresAt.toISOString() });
      }),
    ],
  };
}

function contextOf({ from, requestId }: RouteRequest<typeof finish>, name: string): ActContext {
  return {
    actor: { kind: "Person", name, tokenId: null },
    from,
    requestId,
    act: finish.id,
    reason: null,
    ticket: null,
  };
}
