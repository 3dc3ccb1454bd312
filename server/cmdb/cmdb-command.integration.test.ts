import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { changeEstate, estateOperations } from "@wcs/api/estate";
import { parseEstateFile } from "@wcs/core/estate";
import { smallEstate } from "@wcs/core/estate/testing";
import {
  startTestPostgres,
  startTestServer,
  type TestDatabase,
  type TestPostgres,
  type TestServer,
} from "../testing/index.ts";

const root = `${import.meta.dirname}/../..`;

describe("wcs cmdb", () => {
  let postgres: TestPostgres;
  let database: TestDatabase;
  let server: TestServer;
  let home: string;
  before(async () => {
    postgres = await startTestPostgres();
    database = await postgres.createDatabase();
    server = await startTestServer(database, { env: { WCS_LOG_LEVEL: "error" } });
    home = mkdtempSync(join(tmpdir(), "wcs-home-"));
    const documents = parseEstateFile(smallEstate).documents.map(({ value }) => value);
    await server.admin.call(changeEstate, { body: { documents } });
  });
  after(async () => {
    rmSync(home, { recursive: true });
    await server.stop();
    await postgres.stop();
  });

  async function wcs(args: readonly string[], stdin = "", env: Record<string, string> = {}) {
    const child = spawn(`${root}/cli/bin/wcs`, args, {
      env: { PATH: process.env["PATH"], HOME: home, WCS_SERVER: server.url, WCS_TOKEN: server.token, ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stdin.end(stdin);
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "exit") as Promise<[number]>,
    ]);
    return { code, stdout, stderr };
  }

  it("brings a file of the CMDB over what is there: differences first, then all or nothing, faults by line", async () => {
    const file = join(home, "hosts.csv");
    writeFileSync(file, 'name,rack,state,capacity.cpuMilli,title\nidc1-h1,,unavailable,,"主机, 一号"\n');
    const dry = await wcs(["cmdb", "import", "-f", file, "--kind", "host", "--dry-run"]);
    assert.equal(dry.code, 0, dry.stderr);
    assert.equal(dry.stdout, '~ Host idc1-h1\n    spec.state: - -> "unavailable"\n    title: - -> "主机, 一号"\n');
    assert.match(dry.stderr, /1 changed \(dry run\)/);
    const get = async () => (await server.admin.call(estateOperations.Host.get, { params: { name: "idc1-h1" } })).body;
    assert.equal((await get()).title, undefined);
    const done = await wcs([
      "cmdb",
      "import",
      "-f",
      file,
      "--kind",
      "Host",
      "--ticket",
      "CHG1",
      "--reason",
      "CMDB sync",
    ]);
    assert.equal(done.code, 0, done.stderr);
    assert.equal((await get()).title, "主机, 一号");
    assert.equal(((await get()).spec as { rack?: string }).rack, "idc1-r1");

    const broken = "kind,name,rack,capacity.cpuMilli\nHost,idc1-h1,nowhere,many\nHosst,x,,\nHost,,,\nHost,y,idc1-r1\n";
    const refused = await wcs(["cmdb", "import", "-f", "-"], broken);
    assert.equal(refused.code, 1);
    const told = refused.stderr
      .split("\n")
      .map((line) => /^stdin:(\d+):1: .*\[([\w-]+)\]$/.exec(line)?.slice(1).join(" "));
    assert.deepEqual(told.slice(0, -2), ["2 type-wrong", "3 kind-unknown", "4 field-missing", "5 row-length"]);
    const wrongRack = await wcs(["cmdb", "import", "-f", "-"], "kind,name,rack\nHost,idc1-h1,nowhere\n");
    assert.match(wrongRack.stderr, /^stdin:2:1: Host idc1-h1: rack: .*nowhere.*\[reference-missing\]$/m);
    for (const [csv, said] of [
      ["a,b\n1,2\n", /no column name/],
      ["name,name,kind\n", /twice/],
      ['name,kind\n"x,Host\n', /not CSV/],
      ["", /empty/],
    ] as const) {
      const { code, stderr } = await wcs(["cmdb", "import", "-f", "-"], csv);
      assert.equal(code, 1);
      assert.match(stderr, said);
    }
    assert.match((await wcs(["cmdb", "import", "-f", "-"], "", { LANG: "zh_CN.UTF-8" })).stderr, /文件为空/);
  });

  it("adds and stops targets, and shows, replays and gives up what they did not take", async () => {
    const added = await wcs(["cmdb", "add", "we-cmdb", "--url", "http://127.0.0.1:9/none", "--kinds", "host"]);
    assert.equal(added.code, 0, added.stderr);
    assert.match(added.stdout, /^[\w-]{43}\n$/);
    assert.equal((await wcs(["cmdb", "add", "we-cmdb", "--url", "http://127.0.0.1:9/none"])).code, 5);
    assert.equal((await wcs(["cmdb", "add", "x", "--url", "ftp://nowhere"])).code, 1);
    assert.equal((await wcs(["cmdb", "add", "x", "--url", "http://a/", "--kinds", "Rack"])).code, 2);
    const disabled = await wcs(["cmdb", "disable", "we-cmdb"]);
    assert.match(disabled.stdout, /we-cmdb +webhook +false/, disabled.stderr);
    await database.owner.query(
      `INSERT INTO cmdb_deliveries (target, message_key, kind, name, change, version, changed_at, record, state, last_error)
       SELECT 'we-cmdb', 'm' || n, 'Host', 'h' || n, 'updated', 1, now()::text, '{}', 'dead', 'the CMDB answered 500' FROM generate_series(1, 3) n`,
    );
    const dead = await wcs(["get", "cmdb-deliveries", "-l", "state=dead", "-l", "target=we-cmdb"]);
    assert.equal(dead.stdout.match(/the CMDB answered 500/g)?.length, 3);
    const ids = [...dead.stdout.matchAll(/^(\d+) /gm)].map(([, id]) => id ?? "");
    const gone = await wcs(["cmdb", "discard", ids[0] ?? "", "--yes"]);
    assert.match(gone.stdout, /discarded/);
    assert.equal((await wcs(["cmdb", "replay", ids[0] ?? ""])).code, 5);
    const again = await wcs(["cmdb", "replay", "--dead"]);
    assert.equal(again.stdout.match(/waiting/g)?.length, 2, again.stderr);
    assert.equal((await wcs(["cmdb", "replay", "999999"])).code, 3);
    for (const words of [["replay"], ["replay", "x"], ["discard"], ["nothing"], ["enable"], ["add", "y"]]) {
      assert.equal((await wcs(["cmdb", ...words])).code, 2, words.join(" "));
    }
    assert.equal((await wcs(["delete", "cmdb-target", "we-cmdb", "--yes"])).code, 0);
  });
});
