import type { OperationAnswer } from "@wcs/api";
import type { sessionOperations } from "@wcs/api/session";
import type { Scope } from "@wcs/core/access-rights";
import type { Query, Row } from "../database/database.ts";

/** A session as the API shows it, with what it belongs to and the server that runs it. */
export type SessionRecord = Readonly<{
  shown: OperationAnswer<(typeof sessionOperations)[1]>;
  scope: Scope;
  server: string;
}>;

type Shown = SessionRecord["shown"];
type SessionRow = Row &
  Readonly<{
    id: string;
    kind: Shown["kind"];
    person_kind: string;
    person_name: string;
    instance: string;
    business: string;
    environment: string;
    dcn_group: string;
    host: string;
    command: Shown["command"];
    reason: string | null;
    ticket: string | null;
    server: string;
    state: Shown["state"];
    started_at: Date;
    ended_at: Date | null;
    exit: Shown["exit"];
    record_hash: string | null;
    record_bytes: number | null;
    version: number;
  }>;

const columns = `id, kind, person_kind, person_name, instance, business, environment, dcn_group, host, command, reason, ticket, server, state,
  started_at, ended_at, exit, record_hash, record_bytes, version::int AS version`;

/** Reads sessions by a condition on the table `sessions`. */
export async function selectSessions(
  query: Query,
  where: string,
  values: readonly unknown[],
): Promise<readonly SessionRecord[]> {
  return (await query<SessionRow>(`SELECT ${columns} FROM sessions WHERE ${where}`, [...values])).map(recordOf);
}

export type NewSession = Readonly<{
  id: string;
  person: Readonly<{ kind: string; name: string }>;
  instance: string;
  scope: Scope;
  host: string;
  command: Shown["command"];
  reason: string | null;
  ticket: string | null;
  server: string;
}>;

export async function insertSession(query: Query, session: NewSession): Promise<SessionRecord> {
  const { id, person, instance, scope, host, command, reason, ticket, server } = session;
  const [row] = await query<SessionRow>(
    `INSERT INTO sessions (id, kind, person_kind, person_name, instance, business, environment, dcn_group, host, command, reason, ticket, server)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING ${columns}`,
    [id, command.kind, person.kind, person.name, instance, scope.business, scope.environment, scope.dcnGroup, host,
      JSON.stringify(command), reason, ticket, server], // prettier-ignore
  );
  if (row === undefined) throw new Error("INSERT returned no row");
  return recordOf(row);
}

/** Notes the end of a session that runs; null when it had ended. */
export async function endSession(
  query: Query,
  id: string,
  { exit, record }: Readonly<{ exit: Shown["exit"]; record: Shown["record"] }>,
): Promise<SessionRecord | null> {
  const [row] = await query<SessionRow>(
    `UPDATE sessions SET state = 'ended', ended_at = now(), exit = $2, record_hash = $3, record_bytes = $4, version = version + 1
     WHERE id = $1 AND state = 'running' RETURNING ${columns}`,
    [id, JSON.stringify(exit), record?.hash ?? null, record?.bytes ?? null],
  );
  return row === undefined ? null : recordOf(row);
}

function recordOf(row: SessionRow): SessionRecord {
  const { id, kind, instance, host, command, reason, ticket, state, exit, version } = row;
  return {
    shown: {
      id,
      kind,
      person: { kind: row.person_kind, name: row.person_name },
      instance,
      host,
      command,
      reason,
      ticket,
      state,
      startedAt: row.started_at.toISOString(),
      endedAt: row.ended_at?.toISOString() ?? null,
      exit,
      record:
        row.record_hash === null || row.record_bytes === null
          ? null
          : { hash: row.record_hash, bytes: row.record_bytes },
      version,
    },
    scope: { business: row.business, environment: row.environment, dcnGroup: row.dcn_group },
    server: row.server,
  };
}
