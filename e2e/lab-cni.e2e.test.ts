import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { down, execIn, fault, heal, hostDir, readStatus, up, type CniHost } from "@wcs/lab";
import { applyDemoSet } from "./demo-set.ts";
import { labCommand } from "./lab-command.ts";

/** A provider as somebody else would write it: the bridge plugin under another name, and a program that runs beside. */
const provider = `#!${process.execPath}
const fs = require("node:fs");
const host = JSON.parse(fs.readFileSync(0, "utf8"));
if (process.argv[2] !== "install") process.exit(2);
const [area] = host.areas;
const range = { subnet: area.cidr, rangeStart: area.dynamic.first, rangeEnd: area.dynamic.last, gateway: area.gateway };
fs.writeFileSync(host.cniConfigDir + "/05-other.conflist", JSON.stringify({
  cniVersion: "1.0.0", name: "other",
  plugins: [{ type: "other-bridge", bridge: area.bridge, ipam: { type: "host-local", ranges: [[range]], routes: [{ dst: "0.0.0.0/0" }] } }],
}));
fs.symlinkSync("/usr/lib/cni/bridge", host.cniPluginDir + "/other-bridge");
fs.symlinkSync("/usr/lib/cni/host-local", host.cniPluginDir + "/host-local");
fs.writeFileSync(host.disk + "/told.json", JSON.stringify(host));
console.log(JSON.stringify({ daemon: ["sh", "-c", "hostname >> " + host.disk + "/daemon-ran; exec sleep 1000000"] }));
`;

describe("a lab with another network plugin", () => {
  const folder = mkdtempSync(join(tmpdir(), "wcs-cni-"));
  const program = join(folder, "provider");
  before(async () => {
    writeFileSync(program, provider);
    chmodSync(program, 0o755);
    await up("small", { cni: program });
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    await down();
  });

  it("is told of each host: its bridges, addresses, range, folders and identity", () => {
    const told = JSON.parse(readFileSync(join(hostDir("idc1-h2"), "told.json"), "utf8")) as CniHost;
    assert.deepEqual([told.host, told.cluster, told.rack, told.idc], ["idc1-h2", "idc1-c1", "idc1-r1", "idc1"]);
    assert.deepEqual(told.areas[0], {
      area: "core",
      bridge: "br-core",
      uplink: "up-core",
      address: "10.71.1.2",
      cidr: "10.71.1.0/24",
      gateway: "10.71.1.254",
      dynamic: { first: "10.71.1.60", last: "10.71.1.99" },
    });
    assert.match(readFileSync(told.nodeKubeconfig, "utf8"), /node-idc1-h2/);
  });

  it("has pods that this plugin connected", async () => {
    const pods = await applyDemoSet("idc1-c1", { replicas: 2, version: "1" });
    const used = await execIn("idc1-h1", ["ls", "/var/lib/cni/networks/other"]);
    assert.ok(
      pods.some((pod) => used.includes(pod.ip)),
      used,
    );
  });

  it("runs the plugin's own program in the host, and again after the host was off", async () => {
    const ran = () => readFileSync(join(hostDir("idc1-h1"), "daemon-ran"), "utf8");
    assert.equal(ran(), "idc1-h1\n");
    await fault("kill-host", "idc1-h1");
    assert.ok((await readStatus({ sampleMs: 0 })).stopped.includes("idc1-h1/cni"));
    await heal();
    assert.deepEqual([ran(), (await readStatus({ sampleMs: 0 })).stopped], ["idc1-h1\nidc1-h1\n", []]);
  });

  it("keeps its plugin when up is run again, and refuses to change it under way", async () => {
    assert.equal((await labCommand(["up", "small", "--no-figures"])).status, 0);
    const other = await labCommand(["up", "small", "--no-figures", "--cni", "reference"]);
    assert.equal(other.status, 1);
    assert.match(other.stderr, /up with the network plugin .*provider, not reference/);
    assert.equal((await labCommand(["up", "small", "--cni", "/nowhere/x"])).status, 3);
  });
});
