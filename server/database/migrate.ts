import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import type pg from "pg";
import { ConfigFailure } from "../config/config-failure.ts";

/** The role that the server works as. It owns nothing, and can't update or delete audit rows. */
export const serverRole = "wcs_server";

// Any constant does, so long as every WCS server uses the same.
const migrationLock = 0x776373;

type Migration = Readonly<{ name: string; sql: string; checksum: string }>;

/** The migration files, in order of their numbers. */
export function readMigrations(): readonly Migration[] {
  return globSync("migrations/*.sql", { cwd: import.meta.dirname })
    .sort()
    .map((file) => {
      const sql = readFileSync(`${import.meta.dirname}/${file}`, "utf8");
      return { name: basename(file, ".sql"), sql, checksum: createHash("sha256").update(sql).digest("hex") };
    });
}

/**
 * Brings the schema up to date as its owner, each file in a transaction of its own, under a lock so that servers that start
 * together do not race. Returns the names applied. Refuses a database whose applied files differ from these.
 */
export async function migrate(owner: pg.Pool): Promise<readonly string[]> {
  const client = await owner.connect();
  // A connection that breaks between two statements says so by an event; the next statement fails.
  client.on("error", ignore);
  let isDone = false;
  try {
    await client.query("SELECT pg_advisory_lock($1)", [migrationLock]);
    const names = await applyAll(client);
    await client.query("SELECT pg_advisory_unlock($1)", [migrationLock]);
    isDone = true;
    return names;
  } finally {
    client.off("error", ignore);
    // After a failure the connection is closed, and the lock ends with it.
    client.release(!isDone);
  }
}

const ignore = (): void => undefined;

async function applyAll(client: pg.PoolClient): Promise<readonly string[]> {
  await client.query(`CREATE SCHEMA IF NOT EXISTS wcs;
    CREATE TABLE IF NOT EXISTS wcs.migrations (
      name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());`);
  await requireServerRole(client);
  const { rows } = await client.query<{ name: string; checksum: string }>("SELECT name, checksum FROM wcs.migrations");
  const applied = new Map(rows.map((row) => [row.name, row.checksum]));
  const migrations = readMigrations();
  for (const name of applied.keys()) {
    if (!migrations.some((migration) => migration.name === name)) {
      throw new ConfigFailure(
        `the database has migration ${name}, which this version does not know: start the newer version`,
      );
    }
  }
  const done: string[] = [];
  for (const migration of migrations) {
    const checksum = applied.get(migration.name);
    if (checksum === migration.checksum) continue;
    if (checksum !== undefined) {
      throw new ConfigFailure(
        `migration ${migration.name} was changed after it was applied: restore the file, add a new one`,
      );
    }
    await client.query("BEGIN");
    try {
      await client.query("SET LOCAL search_path = wcs");
      await client.query(migration.sql);
      await client.query("INSERT INTO wcs.migrations (name, checksum) VALUES ($1, $2)", [
        migration.name,
        migration.checksum,
      ]);
      await client.query("COMMIT");
    } catch (error) {
      await client.query("ROLLBACK");
      throw new Error(`migration ${migration.name}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
    done.push(migration.name);
  }
  return done;
}

/** Roles belong to the whole PostgreSQL server, so a role made for another WCS database there is used as it is. */
async function requireServerRole(client: pg.PoolClient): Promise<void> {
  const { rowCount } = await client.query("SELECT 1 FROM pg_roles WHERE rolname = $1", [serverRole]);
  if (rowCount === 0) await client.query(`CREATE ROLE ${serverRole} NOLOGIN`);
}
