import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startTestPostgres, type TestPostgres } from "../testing/test-postgres.ts";
import { migrate } from "./migrate.ts";

describe("the database", () => {
  let postgres: TestPostgres;
  before(async () => {
    postgres = await startTestPostgres();
  });
  after(() => postgres.stop());

  it("is migrated once, however many servers start together", async () => {
    const database = await postgres.createDatabase();
    await database.owner.query("DROP SCHEMA wcs CASCADE");
    const results = await Promise.all([migrate(database.owner), migrate(database.owner), migrate(database.owner)]);
    assert.equal(results.filter((names) => names.length > 0).length, 1);
  });

  it("refuses a database whose applied migration differs from the file", async () => {
    const database = await postgres.createDatabase();
    await database.owner.query("UPDATE migrations SET checksum = 'x' WHERE name = '0002-events'");
    await assert.rejects(migrate(database.owner), /migration 0002-events was changed after it was applied/);
  });

  it("lends the server's role its owner's rights in no function but those that are known to be safe", async () => {
    const { owner } = await postgres.createDatabase();
    const { rows } = await owner.query<{ name: string }>(
      `SELECT p.proname AS name FROM pg_proc p WHERE p.pronamespace = 'wcs'::regnamespace AND p.prosecdef
       AND has_function_privilege('wcs_server', p.oid, 'EXECUTE') ORDER BY 1`,
    );
    // Each with a search_path of its own, and none takes a name or a statement from its caller.
    assert.deepEqual(
      rows.map(({ name }) => name),
      ["append_audit", "ipam_forget_subnet"],
    );
    const open = await owner.query(
      `SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'wcs'::regnamespace AND p.prosecdef
       AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c LIKE 'search_path=%')`,
    );
    assert.deepEqual(open.rows, []);
  });

  it("does not let the server's role change, remove or forge an audit row", async () => {
    const { server } = await postgres.createDatabase();
    // PostgreSQL only warns of a grant that gives nothing.
    await server.query("GRANT ALL ON audit_entries TO wcs_server");
    for (const statement of [
      "UPDATE audit_entries SET entry = '{}'",
      "DELETE FROM audit_entries",
      "TRUNCATE audit_entries",
      "INSERT INTO audit_entries (chain, sequence, hash, entry) VALUES (0, 1, sha256(''), '{}')",
      "ALTER TABLE audit_entries DISABLE TRIGGER ALL",
      "ALTER TABLE audit_entries OWNER TO wcs_server",
      "ALTER TABLE audit_entries DROP COLUMN entry",
      "DROP TABLE audit_entries CASCADE",
      `DO $$ BEGIN CREATE TEMP TABLE mine (LIKE ipam_addresses);
       CREATE TRIGGER forge AFTER UPDATE ON mine REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION ipam_write_history();
       END $$`,
      "CREATE RULE nothing AS ON INSERT TO audit_entries DO INSTEAD NOTHING",
      "CREATE TRIGGER forge BEFORE INSERT ON audit_entries FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
      "CREATE OR REPLACE FUNCTION append_audit(chains int, first_chain int, new_entries text[]) RETURNS void LANGUAGE sql AS ''",
      "ALTER FUNCTION append_audit OWNER TO wcs_server",
      "CREATE TABLE wcs.mine (x int)",
      "SELECT 1 FROM audit_entries FOR UPDATE",
      "MERGE INTO audit_entries USING (SELECT 1) x ON true WHEN MATCHED THEN DELETE",
      "DELETE FROM audit_checkpoint_ends",
      "SET ROLE wcs_owner",
      "SET SESSION AUTHORIZATION wcs_owner",
      "SET session_replication_role = replica",
    ]) {
      await assert.rejects(
        server.query(statement),
        /permission denied|must be owner|must be able to SET ROLE/,
        statement,
      );
    }
  });
});
