import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "pg";
import { createDatabase, type Database, type SocketAccess } from "../database/database.ts";
import { migrate } from "../database/migrate.ts";
import { startEmbeddedPostgres } from "../postgres/embedded-postgres.ts";
import { openStateDirectory } from "../state/state-directory.ts";

/** A database of a test's own, as the server's role and as the owner's. */
export type TestDatabase = Readonly<{
  name: string;
  server: Database;
  owner: Pool;
  access: Readonly<{ server: SocketAccess; owner: SocketAccess }>;
  drop: () => Promise<void>;
}>;

/** A real PostgreSQL for the tests of one file, with a migrated database to clone. Stop it when the file is done. */
export type TestPostgres = Readonly<{ createDatabase: () => Promise<TestDatabase>; stop: () => Promise<void> }>;

/** Starts it (about 1.5 s); `createDatabase` then takes some tens of milliseconds. */
export async function startTestPostgres(): Promise<TestPostgres> {
  const folder = mkdtempSync(join(tmpdir(), "wcs-test-"));
  const postgres = await startEmbeddedPostgres(openStateDirectory(folder), true);
  const superuser = new Pool({ ...postgres.superuser, max: 1 });
  const template = new Pool(postgres.owner);
  await migrate(template);
  await template.end();

  const open: TestDatabase[] = [];
  let count = 0;
  const make = async (): Promise<TestDatabase> => {
    const name = `test_${(count += 1)}`;
    await superuser.query(`CREATE DATABASE ${name} TEMPLATE wcs OWNER wcs_owner STRATEGY file_copy`);
    const access = {
      server: { ...postgres.server, database: name },
      owner: { ...postgres.owner, database: name },
    };
    const server = createDatabase({
      access: access.server,
      maxConnections: 10,
      statementTimeoutMs: 30_000,
      applicationName: "wcs-test",
      onError: (error) => console.error(error),
    });
    const owner = new Pool({ ...access.owner, max: 4, options: "-c search_path=wcs" });
    const drop = async (): Promise<void> => {
      open.splice(open.indexOf(database), 1);
      await Promise.all([server.close(), owner.end()]);
      await closed(superuser, name);
      await superuser.query(`DROP DATABASE ${name} WITH (FORCE)`);
    };
    const database: TestDatabase = { name, server, owner, access, drop };
    open.push(database);
    return database;
  };
  return {
    createDatabase: make,
    stop: async () => {
      for (const database of open.toReversed()) await database.drop();
      await superuser.end();
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until the sessions of a database have ended: a pool's end does not wait for the server's side. */
async function closed(superuser: Pool, name: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < 2000; waitedMs += 5) {
    const { rowCount } = await superuser.query("SELECT 1 FROM pg_stat_activity WHERE datname = $1", [name]);
    if (rowCount === 0) return;
    await sleep(5);
  }
}
