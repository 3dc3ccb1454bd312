import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { startTestPostgres, type TestPostgres } from "../testing/test-postgres.ts";
import { openKeyRing, rotateKeyRing } from "./key-ring.ts";
import { createSecretStore } from "./secret-store.ts";

describe("secrets", () => {
  let postgres: TestPostgres;
  const folder = mkdtempSync(join(tmpdir(), "wcs-keys-"));
  const file = join(folder, "secrets.json");
  before(async () => {
    postgres = await startTestPostgres();
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    await postgres.stop();
  });

  it("are encrypted at rest, open with the key file only, and not under another name", async () => {
    const database = await postgres.createDatabase();
    const { query } = database.server;
    const store = createSecretStore(openKeyRing(file));
    await store.put(query, "cluster/c1/kubeconfig", "top secret");
    assert.equal(await store.get(query, "cluster/c1/kubeconfig"), "top secret");
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const { rows } = await database.owner.query<{ all: string }>("SELECT secrets::text AS all FROM secrets");
    assert.ok(!rows[0]?.all.includes(Buffer.from("top secret").toString("hex")));

    await database.owner.query("UPDATE secrets SET name = 'cluster/c2/kubeconfig'");
    await assert.rejects(store.get(query, "cluster/c2/kubeconfig"), /unable to authenticate/);
    await database.owner.query("UPDATE secrets SET name = 'cluster/c1/kubeconfig'");
    const other = createSecretStore(openKeyRing(join(folder, "other.json")));
    await assert.rejects(other.get(query, "cluster/c1/kubeconfig"), /has no key/);
  });

  it("are rewrapped after a rotation, and no longer need the old key", async () => {
    const { server } = await postgres.createDatabase();
    await createSecretStore(openKeyRing(file)).put(server.query, "a", "one");
    const current = rotateKeyRing(file);
    const store = createSecretStore(openKeyRing(file));
    assert.equal(await store.get(server.query, "a"), "one");
    assert.equal(await store.rewrapAll(server.query), 1);
    const ring = JSON.parse(readFileSync(file, "utf8")) as { current: string; keys: Record<string, string> };
    writeFileSync(file, JSON.stringify({ current, keys: { [current]: ring.keys[current] } }));
    assert.equal(await createSecretStore(openKeyRing(file)).get(server.query, "a"), "one");
  });
});
