import type { Pool } from "pg";
import type { Query } from "../database/database.ts";

type Facts = Readonly<{ name: string }> & Readonly<Record<string, string>>;

/** Writes an instance of subsystem 0101 into a database with the bank's estate, without the main job; `facts` are columns that matter to the test. */
export async function addInstance(owner: Pool, facts: Facts): Promise<void> {
  // The request that it came by is another table's matter.
  await owner.query("ALTER TABLE instances DROP CONSTRAINT IF EXISTS instances_request_fkey");
  await instanceRow(async (text, values) => (await owner.query(text, values as unknown[])).rows as never, facts);
}

/** The row alone: `addInstance` was there before. */
export async function instanceRow(query: Query, facts: Facts): Promise<void> {
  const columns = await query<{ name: string; type: string }>(
    `SELECT attname AS name, format_type(atttypid, NULL) AS type FROM pg_attribute
     WHERE attrelid = 'instances'::regclass AND attnum > 0 AND attnotnull AND NOT atthasdef AND NOT attisdropped`,
  );
  const known: Readonly<Record<string, string>> = {
    subsystem: "0101",
    dcn: "1C1",
    environment: "production",
    cluster: "idc1-c1",
    host: "idc1-h1",
    class: "4C8G",
    lifetime: "long-term",
    wish: "run",
    ...facts,
  };
  const blank: Readonly<Record<string, string>> = { integer: "1", boolean: "false", jsonb: "[]", text: "" };
  const names = columns.map(({ name }) => name);
  const values = columns.map(({ name, type }) => known[name] ?? blank[type]);
  const places = names.map((_, at) => `$${at + 1}`).join(", ");
  await query(`INSERT INTO instances (${names.join(", ")}) VALUES (${places})`, values);
}
