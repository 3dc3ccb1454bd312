import { createHash } from "node:crypto";
import type { Query, Row } from "../database/database.ts";
import type { IssuedCertificate } from "./agent-authority.ts";

/** An agent as the API shows it. `links`: the servers that hold a link to it now. */
export type AgentRecord = Readonly<{
  host: string;
  state: "joined" | "revoked";
  reason: string | null;
  joinedAt: string;
  certificate: Readonly<{ serial: string; issuedAt: string; expiresAt: string }> | null;
  links: readonly Readonly<{ server: string; since: string }>[];
  version: number;
}>;

type AgentRow = Row &
  Readonly<{
    host: string;
    joined_at: Date;
    revoked_at: Date | null;
    revoked_reason: string | null;
    version: number;
    serial: string | null;
    issued_at: Date | null;
    expires_at: Date | null;
    links: readonly Readonly<{ server: string; since: string }>[];
  }>;

/** Reads agents by a condition on `a` (agents) and `h` (hosts). */
export async function selectAgents(
  query: Query,
  where: string,
  values: readonly unknown[],
): Promise<readonly AgentRecord[]> {
  const rows = await query<AgentRow>(
    `SELECT a.host, a.joined_at, a.revoked_at, a.revoked_reason, a.version::int AS version, c.serial, c.issued_at, c.expires_at,
       coalesce((SELECT jsonb_agg(jsonb_build_object('server', l.server, 'since', l.since) ORDER BY l.server)
         FROM agent_links l JOIN agent_servers s ON s.name = l.server WHERE l.host = a.host AND s.expires_at > clock_timestamp()), '[]') AS links
     FROM agents a JOIN hosts h ON h.name = a.host
     LEFT JOIN LATERAL (SELECT * FROM agent_certificates c WHERE c.host = a.host AND c.revoked_at IS NULL
       ORDER BY c.issued_at DESC LIMIT 1) c ON true
     WHERE ${where}`,
    [...values],
  );
  return rows.map((row) => ({
    host: row.host,
    state: row.revoked_at === null ? "joined" : "revoked",
    reason: row.revoked_reason,
    joinedAt: row.joined_at.toISOString(),
    certificate:
      row.serial === null || row.issued_at === null || row.expires_at === null
        ? null
        : { serial: row.serial, issuedAt: row.issued_at.toISOString(), expiresAt: row.expires_at.toISOString() },
    links: row.links.map(({ server, since }) => ({ server, since: new Date(since).toISOString() })),
    version: row.version,
  }));
}

/** Keeps a certificate that was issued for the host, and forgets those that have long expired. */
export async function keepCertificate(query: Query, host: string, issued: IssuedCertificate): Promise<void> {
  await query("DELETE FROM agent_certificates WHERE host = $1 AND expires_at < now() - interval '7 days'", [host]);
  await query("INSERT INTO agent_certificates (serial, host, fingerprint, expires_at) VALUES ($1, $2, $3, $4)", [
    issued.serial,
    host,
    issued.fingerprint,
    new Date(issued.expiresMs),
  ]);
}

/** Which of the certificates, by serial, count now; `host` as the database has it. */
export async function validCertificates(
  query: Query,
  serials: readonly string[],
): Promise<ReadonlyMap<string, Readonly<{ host: string; fingerprint: string }>>> {
  const rows = await query<Row & Readonly<{ serial: string; host: string; fingerprint: string }>>(
    `SELECT c.serial, c.host, c.fingerprint FROM agent_certificates c JOIN agents a ON a.host = c.host
     WHERE c.serial = ANY($1::text[]) AND c.revoked_at IS NULL AND a.revoked_at IS NULL AND c.expires_at > clock_timestamp()`,
    [serials],
  );
  return new Map(rows.map(({ serial, host, fingerprint }) => [serial, { host, fingerprint }]));
}

export type JoinTokenRow = Row &
  Readonly<{
    id: string;
    hash: Buffer;
    host: string;
    expires_at: Date;
    used_at: Date | null;
    used_by: Buffer | null;
    expired: boolean;
  }>;

/** The token of an id, locked until the transaction ends. */
export async function lockJoinToken(query: Query, id: string): Promise<JoinTokenRow | null> {
  const [row] = await query<JoinTokenRow>(
    `SELECT id, hash, host, expires_at, used_at, used_by, expires_at <= clock_timestamp() AS expired
     FROM agent_join_tokens WHERE id = $1 FOR UPDATE`,
    [id],
  );
  return row ?? null;
}

export const hashOf = (secret: string | Buffer): Buffer => createHash("sha256").update(secret).digest();
