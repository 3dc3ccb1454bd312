import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { smallEstate, twentyFaults } from "@wcs/core/estate/testing";
import { startTestPostgres, startTestServer, type TestPostgres, type TestServer } from "../testing/index.ts";

const root = `${import.meta.dirname}/../..`;

describe("wcs and the estate", () => {
  let postgres: TestPostgres;
  let server: TestServer;
  let home: string;
  before(async () => {
    postgres = await startTestPostgres();
    server = await startTestServer(await postgres.createDatabase());
    home = mkdtempSync(join(tmpdir(), "wcs-home-"));
  });
  after(async () => {
    rmSync(home, { recursive: true });
    await server.stop();
    await postgres.stop();
  });

  async function run(command: string, args: readonly string[], stdin = "", env: Record<string, string> = {}) {
    const child = spawn(`${root}/${command}`, args, {
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
  const wcs = (args: readonly string[], stdin?: string, env?: Record<string, string>) =>
    run("cli/bin/wcs", args, stdin, env);

  it("apply, diff, get, describe and delete work from the command line", async () => {
    const file = join(home, "estate.yaml");
    writeFileSync(file, smallEstate);
    const dry = await wcs(["apply", "-f", file, "--dry-run"]);
    assert.deepEqual([dry.code, dry.stderr], [0, "24 created (dry run)\n"]);
    const before = await wcs(["diff", "-f", file]);
    assert.equal(before.code, 1);
    assert.match(before.stdout, /^\+ Host idc1-h1$/m);
    const applied = await wcs(["apply", "-f", file]);
    assert.deepEqual([applied.code, applied.stderr], [0, "24 created\n"]);
    assert.deepEqual(await wcs(["diff", "-f", file]), { code: 0, stdout: "", stderr: "" });

    const hosts = await wcs(["get", "hosts", "-l", "rack=idc1-r1"]);
    assert.match(hosts.stdout, /^NAME .*\nidc1-h1 +idc1-r1 +idc1-c1 +shared-1 +available +core=10\.71\.1\.1\n$/);
    assert.equal((await wcs(["get", "host", "idc1-h1", "-o", "name"])).stdout, "host/idc1-h1\n");
    const described = await wcs(["describe", "rack", "idc1-r1"]);
    assert.match(described.stdout, /^usedBy:\n(?: {2}- .*\n)*? {2}- Host idc1-h1$/m);
    const cluster = await wcs(["describe", "cluster", "idc1-c1"]);
    assert.match(cluster.stdout, /^connection: null$/m);
    assert.match((await wcs(["get", "cities"], "", { LANG: "zh_CN.UTF-8" })).stdout, /名称/);
    assert.match((await wcs(["describe", "pool", "shared-1"])).stdout, /cpuOvercommitPercent: 120/);
    assert.equal((await wcs(["describe", "pool", "nothing"])).code, 3);

    const printed = (await wcs(["get", "racks", "-o", "yaml"])).stdout;
    const same = await wcs(["apply", "-f", "-"], printed);
    assert.deepEqual([same.code, same.stderr], [0, "2 unchanged\n"]);
    const edited = printed.replace("state: unavailable", "state: available");
    const difference = await wcs(["diff", "-f", "-"], edited);
    assert.equal(difference.stdout, '~ Rack idc2-r1\n    spec.state: "unavailable" -> "available"\n');
    assert.equal((await wcs(["apply", "-f", "-"], edited)).code, 0);
    const stale = await wcs(["apply", "-f", "-"], printed);
    assert.equal(stale.code, 5);
    assert.match(stale.stderr, /Rack idc2-r1/);

    const refused = await wcs(["delete", "rack", "idc1-r1", "--yes"]);
    assert.equal(refused.code, 5);
    assert.match(refused.stderr, /Host idc1-h1, Subnet idc1-r1-core, VM idc1-v1/);
    assert.equal((await wcs(["delete", "vm", "idc1-v1", "--yes"])).code, 1);
    assert.equal((await wcs(["delete", "vm", "idc1-v1", "--yes", "--ticket", "CHG1"])).code, 0);
    await wcs(["apply", "-f", file, "--ticket", "CHG2"]);
  });

  it("apply tells twenty different faults of a file with twenty messages, each with its line", async () => {
    const file = join(home, "broken.yaml");
    writeFileSync(file, twentyFaults);
    const expected = twentyFaults.split("\n").flatMap((line, at) => {
      const [, code] = /# FAULT (\S+)/.exec(line) ?? [];
      return code === undefined ? [] : [`${at + 1} ${code}`];
    });
    for (const [language, last] of [
      ["en_US.UTF-8", "wcs: 20 faults; nothing was changed"],
      ["zh_CN.UTF-8", "wcs: 共 20 处错误，未做任何变更"],
    ] as const) {
      const { code, stdout, stderr } = await wcs(["apply", "-f", file], "", { LANG: language });
      assert.deepEqual([code, stdout], [1, ""]);
      const lines = stderr.trimEnd().split("\n");
      assert.equal(lines.pop(), last);
      const told = lines.map((line) => /:(\d+):\d+: .* \[([\w-]+)\]$/.exec(line)?.slice(1).join(" "));
      assert.deepEqual(told, expected);
    }
    assert.equal((await wcs(["diff", "-f", file])).code, 2);
    assert.equal((await wcs(["apply"])).code, 2);
    assert.equal((await wcs(["apply", "-f", join(home, "nothing.yaml")])).code, 2);
  });

  it("takes what the lab says of itself", async () => {
    const said = await run("lab/bin/wcs-lab", ["estate", "two-idc"]);
    assert.equal(said.code, 0, said.stderr);
    const clean = await startTestServer(await postgres.createDatabase());
    try {
      const env = { WCS_SERVER: clean.url, WCS_TOKEN: clean.token };
      const { code, stderr } = await wcs(["apply", "-f", "-"], said.stdout, env);
      assert.equal(code, 0, stderr);
      assert.deepEqual(await wcs(["diff", "-f", "-"], said.stdout, env), { code: 0, stdout: "", stderr: "" });
    } finally {
      await clean.stop();
    }
  });
});
