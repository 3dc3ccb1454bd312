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

  it("does not let the server's role change, remove or forge an audit row", async () => {
    const { server } = await postgres.createDatabase();
    for (const statement of [
      "UPDATE audit_entries SET entry = '{}'",
      "DELETE FROM audit_entries",
      "TRUNCATE audit_entries",
      "INSERT INTO audit_entries (chain, sequence, hash, entry) VALUES (0, 1, sha256(''), '{}')",
      "ALTER TABLE audit_entries DISABLE TRIGGER ALL",
      "SET ROLE wcs_owner",
    ]) {
      await assert.rejects(server.query(statement), /permission denied|must be owner/, statement);
    }
  });
});
