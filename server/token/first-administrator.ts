import { nowhere } from "../access/nowhere.ts";
import { recordAudit } from "../audit/record-audit.ts";
import type { Database } from "../database/database.ts";
import { transaction } from "../database/transaction.ts";
import { newToken } from "./token-text.ts";

const subjectName = "first-administrator";
const lifetimeDays = 30;
// Any constant does, so long as every WCS server uses the same.
const lockKey = 0x776374;

/**
 * Makes the first administrator's token in a database that has never had one, and returns its text; null otherwise. It is good for everything,
 * for 30 days: time enough to make people, roles and tokens of their own.
 */
export async function makeFirstToken(database: Database): Promise<string | null> {
  const context = {
    actor: { kind: "System" as const, name: "wcs-server", tokenId: null },
    from: "local",
    requestId: "start",
    act: "tokens.create-first",
    reason: null,
    ticket: null,
  };
  return await transaction(database, { context }, async (tx) => {
    await tx.query("SELECT pg_advisory_xact_lock($1)", [lockKey]);
    const rows = await tx.query("SELECT 1 FROM tokens WHERE subject_kind = 'System' LIMIT 1");
    if (rows.length > 0) return null;
    const token = newToken();
    await tx.query(
      `INSERT INTO tokens (id, hash, subject_kind, subject_name, description, expires_at)
       VALUES ($1, $2, 'System', $3, 'the first administrator', now() + $4 * interval '1 day')`,
      [token.id, token.hash, subjectName, lifetimeDays],
    );
    recordAudit(tx, {
      resource: { kind: "Token", name: token.id },
      scope: nowhere,
      before: null,
      after: { subject: { kind: "System", name: subjectName } },
      outcome: "done",
    });
    return token.text;
  });
}
