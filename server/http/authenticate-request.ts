import type { FastifyReply, FastifyRequest } from "fastify";
import type { Principal } from "../access/principal.ts";
import type { Authenticator } from "../token/authenticate.ts";
import { Failure } from "./failure.ts";
import type { SourceLimit } from "./source-limit.ts";

type Authenticating = Readonly<{
  request: FastifyRequest;
  reply: FastifyReply;
  authenticator: Authenticator;
  failedLogins: SourceLimit;
}>;

/**
 * The principal of the request's token. An address with too many bad tokens is refused before the database is asked; tokens that were good a moment
 * ago are not, so that one bad client does not shut out all behind its proxy.
 */
export async function authenticateRequest({
  request,
  reply,
  authenticator,
  failedLogins,
}: Authenticating): Promise<Principal> {
  const match = /^Bearer ([\x21-\x7e]{1,500})$/i.exec(request.headers.authorization ?? "");
  const token = match?.[1] ?? null;
  const wasGood = token !== null && authenticator.wasGood(token);
  const taken = wasGood ? null : failedLogins.take(request.ip);
  if (taken !== null && "retryAfterSeconds" in taken) {
    throw new Failure("request.rate-limited", "too many requests without a valid token came from this address", {
      headers: { "retry-after": String(taken.retryAfterSeconds) },
    });
  }
  let principal: Principal | null;
  try {
    principal = token === null ? null : await authenticator.principalOf(token);
  } catch (error) {
    // Whether the token is good is not known: the database did not answer.
    taken?.giveBack();
    throw error;
  }
  if (principal !== null) {
    taken?.giveBack();
    return principal;
  }
  void reply.header("www-authenticate", 'Bearer realm="wcs"');
  throw new Failure(
    "auth.missing",
    match === null ? "the request has no bearer token" : "the token is unknown, expired or revoked",
  );
}
