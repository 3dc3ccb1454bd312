import { createPublicKey, timingSafeEqual, verify } from "node:crypto";
import { LinkError, parseJoinToken, proofText } from "@wcs/api/agent-link";
import type { Scope } from "@wcs/core/access-rights";
import { nowhere } from "../access/nowhere.ts";
import { recordAudit } from "../audit/record-audit.ts";
import type { Database, Query } from "../database/database.ts";
import { transaction, type ActContext, type Transaction } from "../database/transaction.ts";
import { recordEvent } from "../events/record-event.ts";
import type { AgentAuthority, IssuedCertificate } from "./agent-authority.ts";
import { hashOf, keepCertificate, lockJoinToken, selectAgents, type JoinTokenRow } from "./agent-store.ts";

/** The kind of agents in the watch log and the audit. */
export const agentKind = "Agent";

export type JoinEnvironment = Readonly<{
  database: Database;
  authority: AgentAuthority;
  lifetimeMs: number;
  scopeOfHost: (query: Query, host: string) => Promise<Scope | null>;
}>;

type Order = Readonly<{ host: string; publicKey: string; proof: string }>;

const contextOf = (host: string, from: string, act: string): ActContext => ({
  actor: { kind: "System", name: `agent/${host}`, tokenId: null },
  from,
  requestId: act,
  act,
  reason: null,
  ticket: null,
});

/**
 * Gives a host's agent its first certificate, for a token that was made for this host and has not been used: afterwards it is used, and earlier certificates of
 * the host count no more. The same key may ask again while the token lives. Every attempt with a token that exists is in the audit. Throws `agent.join-refused`.
 */
export async function joinAgent(
  environment: JoinEnvironment,
  order: Order & Readonly<{ token: string; from: string }>,
): Promise<IssuedCertificate> {
  const { database } = environment;
  const { host, from } = order;
  const refused = new LinkError(
    "agent.join-refused",
    "the token does not hold: make a new one for this host (wcs agent token)",
  );
  const token = parseJoinToken(order.token);
  if (token === null) throw refused;
  const key = requireProof(order);
  const issued = await issue(environment, host, key);
  const outcome = await transaction(database, { context: contextOf(host, from, "agents.join") }, async (tx) => {
    const row = await lockJoinToken(tx.query, token.id);
    if (row === null) return null;
    const why = whyNot(row, { host, secretHash: hashOf(token.secret), keyHash: hashOf(key) });
    const scope = (await environment.scopeOfHost(tx.query, row.host)) ?? nowhere;
    if (why !== null) {
      const resource = { kind: agentKind, name: row.host };
      recordAudit(tx, { resource, scope, before: null, after: { refused: why, asked: host }, outcome: "denied" });
      return why;
    }
    await tx.query("UPDATE agent_join_tokens SET used_at = coalesce(used_at, now()), used_by = $2 WHERE id = $1", [
      row.id,
      hashOf(key),
    ]);
    await tx.query(
      `INSERT INTO agents (host) VALUES ($1) ON CONFLICT (host) DO UPDATE SET joined_at = now(), revoked_at = NULL,
         revoked_reason = NULL, version = agents.version + 1`,
      [host],
    );
    await tx.query("UPDATE agent_certificates SET revoked_at = now() WHERE host = $1 AND revoked_at IS NULL", [host]);
    await keepCertificate(tx.query, host, issued);
    await tellAgent(tx, host, scope, { joined: true, token: row.id, certificate: issued.serial });
    return "joined" as const;
  });
  if (outcome !== "joined") throw refused;
  return issued;
}

/** A new certificate for an agent that has a good one. The old one counts until it expires. */
export async function renewCertificate(
  environment: JoinEnvironment,
  order: Order & Readonly<{ from: string }>,
): Promise<IssuedCertificate> {
  const { host, from } = order;
  const issued = await issue(environment, host, requireProof(order));
  await transaction(environment.database, { context: contextOf(host, from, "agents.renew") }, async (tx) => {
    const rows = await tx.query("SELECT 1 FROM agents WHERE host = $1 AND revoked_at IS NULL FOR SHARE", [host]);
    if (rows.length === 0) throw new LinkError("agent.revoked", `the agent of ${host} is revoked`);
    await keepCertificate(tx.query, host, issued);
  });
  return issued;
}

/** Ends the effect of every certificate of the host at once, on every server; its agent needs a new token. False when there is none. */
export async function revokeAgent(tx: Transaction, host: string, scope: Scope, reason: string): Promise<boolean> {
  const rows = await tx.query(
    `UPDATE agents SET revoked_at = now(), revoked_reason = $2, version = version + 1 WHERE host = $1 AND revoked_at IS NULL
     RETURNING host`,
    [host, reason],
  );
  await tx.query("UPDATE agent_certificates SET revoked_at = now() WHERE host = $1 AND revoked_at IS NULL", [host]);
  // A token that waits would let it in again.
  await tx.query("DELETE FROM agent_join_tokens WHERE host = $1", [host]);
  if (rows.length === 0) return false;
  await tellAgent(tx, host, scope, { revoked: reason });
  return true;
}

async function tellAgent(tx: Transaction, host: string, scope: Scope, after: object): Promise<void> {
  const [record] = await selectAgents(tx.query, "a.host = $1", [host]);
  if (record === undefined) throw new Error(`the agent of ${host} vanished`);
  recordEvent(tx, { change: "updated", kind: agentKind, name: host, version: record.version, scope, record });
  recordAudit(tx, { resource: { kind: agentKind, name: host }, scope, before: null, after, outcome: "done" });
}

/** The key of an order whose proof holds. */
function requireProof({ host, publicKey, proof }: Order): Buffer {
  const spki = Buffer.from(publicKey, "base64");
  try {
    const key = createPublicKey({ key: spki, format: "der", type: "spki" });
    if (verify("sha256", Buffer.from(proofText(host, publicKey)), key, Buffer.from(proof, "base64"))) return spki;
  } catch (error) {
    throw new LinkError("agent.key-invalid", "the public key is none", { cause: error });
  }
  throw new LinkError("agent.key-invalid", "the proof is not by this key for this host");
}

async function issue(environment: JoinEnvironment, host: string, key: Buffer): Promise<IssuedCertificate> {
  const issued = await environment.authority.issueForAgent(host, key, environment.lifetimeMs);
  if (issued === null) throw new LinkError("agent.key-invalid", "the key must be of the curve P-256");
  return issued;
}

function whyNot(
  row: JoinTokenRow,
  { host, secretHash, keyHash }: Readonly<{ host: string; secretHash: Buffer; keyHash: Buffer }>,
): string | null {
  if (!timingSafeEqual(row.hash, secretHash)) return "the secret is wrong";
  if (row.host !== host) return `the token is for ${row.host}`;
  if (row.expired) return "the token has expired";
  if (row.used_at !== null && !(row.used_by?.equals(keyHash) ?? false)) return "the token was used before";
  return null;
}
