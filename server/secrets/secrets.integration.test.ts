import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { startTestServer } from "../testing/test-server.ts";
import { startTestPostgres, type TestPostgres } from "../testing/test-postgres.ts";
import { openKeyRing } from "./key-ring.ts";
import { rotateKeyRing } from "./rotate-key-ring.ts";
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
    const current = rotateKeyRing(file, "rotate");
    const store = createSecretStore(openKeyRing(file));
    assert.equal(await store.get(server.query, "a"), "one");
    assert.deepEqual(await store.rewrap(server.query, 100), { keyId: current, count: 1 });
    const ring = JSON.parse(readFileSync(file, "utf8")) as { current: string; keys: Record<string, string> };
    writeFileSync(file, JSON.stringify({ current, keys: { [current]: ring.keys[current] } }));
    assert.equal(await createSecretStore(openKeyRing(file)).get(server.query, "a"), "one");
  });

  it("are sealed by a new key without a restart, on servers that share the file or have copies of it", async () => {
    const { server } = await postgres.createDatabase();
    const [ours, theirs] = [join(folder, "ours.json"), join(folder, "theirs.json")];
    openKeyRing(ours);
    copyFileSync(ours, theirs);
    const stores = [ours, ours, theirs].map((path) => createSecretStore(openKeyRing(path)));
    const [here, , there] = stores;
    assert.ok(here !== undefined && there !== undefined);
    await here.put(server.query, "a", "one");
    rotateKeyRing(ours, "prepare");
    copyFileSync(ours, theirs);
    for (const path of [ours, theirs]) {
      const current = rotateKeyRing(path, "activate");
      assert.equal(openKeyRing(path).currentKeyId(), current);
      // Whichever server is at the new key already, every server opens what any has sealed.
      for (const [at, store] of stores.entries()) await store.put(server.query, `s${at}`, "two");
      for (const store of stores) {
        assert.equal(await store.get(server.query, "a"), "one");
        for (const at of [0, 1, 2]) assert.equal(await store.get(server.query, `s${at}`), "two");
      }
    }
    assert.equal(readFileSync(ours, "utf8"), readFileSync(theirs, "utf8"));
    rotateKeyRing(ours, "rotate");
    await here.put(server.query, "b", "three");
    await assert.rejects(there.get(server.query, "b"), /has no key .*: copy the file/);
  });

  it("stay readable whenever a rotation is killed", { timeout: 60_000 }, async () => {
    const path = join(folder, "killed.json");
    const ring = openKeyRing(path);
    const sealed = [ring.seal(Buffer.from("0"), "n")];
    const script = `import { rotateKeyRing } from ${JSON.stringify(join(import.meta.dirname, "rotate-key-ring.ts"))};
      console.log("go"); for (let i = 0; i < 2000; i += 1) rotateKeyRing(${JSON.stringify(path)}, "rotate");`;
    for (let round = 0; round < 6; round += 1) {
      const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
        stdio: ["ignore", "pipe", "ignore"],
      });
      await once(child.stdout, "data");
      await sleep(7 * round);
      sealed.push(ring.seal(Buffer.from(String(sealed.length)), "n"));
      child.kill("SIGKILL");
      await once(child, "exit");
      const again = openKeyRing(path);
      for (const [at, each] of sealed.entries()) {
        assert.equal(again.open(each, "n").toString(), String(at));
        assert.equal(ring.open(each, "n").toString(), String(at));
      }
      rotateKeyRing(path, "rotate");
    }
    assert.ok(!existsSync(`${path}.lock`));
  });

  it("come under the new key by themselves, with an audit entry, while two servers run", async () => {
    const database = await postgres.createDatabase();
    const stateDirectory = mkdtempSync(join(folder, "state-"));
    const first = await startTestServer(database, { stateDirectory });
    const second = await startTestServer(database, { stateDirectory, token: first.token });
    try {
      for (let index = 0; index < 150; index += 1) {
        await first.running.platform.secrets.put(database.server.query, `s${index}`, `value ${index}`);
      }
      const main = join(import.meta.dirname, "../program/main.ts");
      const args = [main, "rotate-key", "--state-dir", stateDirectory];
      const { stdout } = await promisify(execFile)(process.execPath, args);
      const [, id] = /^(k[0-9a-f]{8})$/m.exec(stdout) ?? [];
      assert.ok(id !== undefined, stdout);
      await second.running.platform.secrets.put(database.server.query, "new", "sealed by the second");
      const left = async (): Promise<number> => {
        const [row] = await database.server.query<{ n: number }>(
          "SELECT count(*)::int AS n FROM secrets WHERE key_id <> $1",
          [id],
        );
        return row?.n ?? 0;
      };
      for (let waitedMs = 0; (await left()) > 0; waitedMs += 100) {
        assert.ok(waitedMs < 20_000, "secrets are still under the old key");
        await sleep(100);
      }
      for (const { running } of [first, second]) {
        assert.equal(await running.platform.secrets.get(database.server.query, "s149"), "value 149");
        assert.equal(await running.platform.secrets.get(database.server.query, "new"), "sealed by the second");
      }
      const entries = await database.server.query<{ entry: string }>(
        "SELECT entry FROM audit_entries WHERE kind = 'SecretKey' AND name = $1",
        [id],
      );
      const counts = entries.map(
        ({ entry }) => (JSON.parse(entry) as { after: { rewrapped: number } }).after.rewrapped,
      );
      assert.equal(
        counts.reduce((sum, count) => sum + count, 0),
        150,
      );
    } finally {
      await second.stop();
      await first.stop();
    }
  });
});
