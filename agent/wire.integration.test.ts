// What goes over the wire, heard by packet sockets: announcements, and by which NIC replies leave.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { buildWecni } from "@wcs/cni";
import { startCapture, type CapturedSegment } from "@wcs/netlink/testing";
import { createTestHost, instancePod, podArgs, startListener, type TestHost } from "./testing/test-host.ts";

const mac = "02:57:0a:09:01:14";
const app = instancePod("app-0", [{ area: "core", host: 20 }]);
const gateway = instancePod("gw-0", [
  { area: "core", host: 30 },
  { area: "dmz", host: 30 },
]);
/** Outside the bank, behind the TOR: reached by the default route only. */
const outside = "198.51.100.1";
const port = 8080;

/** The first announcement from `mac` that comes to the rack is lost; it is 46 bytes long without its Ethernet header. */
const loseFirst = `table bridge loss
delete table bridge loss
add table bridge loss
add chain bridge loss first { type filter hook prerouting priority -300; }
add rule bridge loss first ether saddr ${mac} ether type arp quota until 90 bytes counter drop`;

describe("on the wire", () => {
  let host: TestHost;
  let spaces = 0;
  const space = () => host.addSpace(`w${(spaces += 1)}`);
  const inTor = (script: string) =>
    execFileSync("nsenter", [`--net=/run/netns/${host.spaces.tor}`, "nft", "-f", "-"], { input: script });
  const learntPort = () =>
    /02:57:0a:09:01:14 dev (\S+)/.exec(host.run(host.spaces.tor, "bridge", "fdb", "show", "br", "tor-core"))?.[1];
  /** As if the address had been at the VM's port before. */
  const forget = () => host.run(host.spaces.tor, "bridge", "fdb", "replace", mac, "dev", "core-v", "master", "dynamic");

  before(async () => {
    host = await createTestHost({ wecni: await buildWecni() });
    host.setPods([app, gateway]);
    host.run(host.spaces.tor, "ip", "addr", "add", `${outside}/32`, "dev", "lo");
    await host.start();
  });
  after(() => host.close());

  it("an announcement that is lost is made up for by the next, and the pod need not say a word", async () => {
    inTor(loseFirst);
    forget();
    assert.equal((await host.cni("ADD", "lost", { netns: space(), args: podArgs(app) })).status, 0, host.log());
    for (let round = 0; learntPort() !== "core-h1"; round += 1) {
      assert.ok(round < 100, "the rack never learnt where the address is");
      await sleep(20);
    }
    assert.match(host.run(host.spaces.tor, "nft", "list", "table", "bridge", "loss"), /counter packets 1 bytes 46 /);
    inTor("delete table bridge loss");
    await host.cni("DEL", "lost");
  });

  describe("a pod with two NICs", () => {
    let netns = "";
    let stopListening: () => Promise<void>;
    before(async () => {
      netns = space();
      const added = await host.cni("ADD", "two", { netns, args: podArgs(gateway) });
      assert.equal(added.status, 0, host.log());
      stopListening = await startListener(netns, port);
    });
    after(() => stopListening());

    /** What passed both NICs of the pod while `work` ran. */
    async function heard(work: () => Promise<void>): Promise<Record<"eth0" | "eth1", readonly CapturedSegment[]>> {
      const captures = await Promise.all(
        (["eth0", "eth1"] as const).map((link) => startCapture(["nsenter", `--net=${netns}`], link)),
      );
      const [worked] = await Promise.allSettled([work()]);
      const [eth0 = [], eth1 = []] = await Promise.all(captures.map((capture) => capture.stop()));
      if (worked.status === "rejected") throw worked.reason;
      return { eth0, eth1 };
    }

    /** One connection that is opened and answered. `from` null: by whatever address the kernel takes. */
    async function connect(file: string, ends: Readonly<{ from: string | null; to: string }>): Promise<void> {
      const script = `const s=require("node:net").connect({host:process.argv[1],port:${port},...(process.argv[2]?{localAddress:process.argv[2]}:{}),timeout:3000});s.on("timeout",()=>s.destroy(new Error("no answer")));s.on("data",()=>s.end());s.on("close",(bad)=>process.exit(bad?1:0));s.on("error",(e)=>console.error(String(e)))`;
      const child = spawn("nsenter", [`--net=${file}`, process.execPath, "-e", script, ends.to, ends.from ?? ""], {
        stdio: ["ignore", "inherit", "inherit"],
      });
      const [status] = await once(child, "exit");
      assert.equal(status, 0, `${ends.from ?? ""} to ${ends.to}`);
    }

    const gatewayMac = (area: string) =>
      host.json(host.spaces.tor, "ip", "-j", "link", "show", `tor-${area}`)[0]?.address ?? "";
    const macOf = (name: string) => host.json(name, "ip", "-j", "link", "show", "eth0")[0]?.address ?? "";
    const opened = (segments: readonly CapturedSegment[]) => segments.filter(({ syn, ack }) => syn && !ack);
    const answered = (segments: readonly CapturedSegment[]) => segments.filter(({ syn, ack }) => syn && ack);

    // Each peer asks for each NIC. What asks for a NIC from elsewhere than that NIC's routes lead is where a reply would go astray.
    const inward = [
      ["a neighbour in core", "vm", null, "eth0", "10.9.1.30"],
      ["a neighbour in core", "vm", null, "eth1", "10.9.2.30"],
      ["a neighbour in dmz", "dmzVm", null, "eth0", "10.9.1.30"],
      ["a neighbour in dmz", "dmzVm", null, "eth1", "10.9.2.30"],
      ["outside", "tor", outside, "eth0", "10.9.1.30"],
      ["outside", "tor", outside, "eth1", "10.9.2.30"],
    ] as const;
    for (const [who, place, from, nic, to] of inward) {
      it(`asked by ${who} at ${nic}, answers by ${nic} and by no other`, async () => {
        const file = `/run/netns/${host.spaces[place]}`;
        const { [nic]: used, [nic === "eth0" ? "eth1" : "eth0"]: other } = await heard(() =>
          connect(file, { from, to }),
        );
        assert.deepEqual(other, [], "the other NIC has heard and said nothing");
        const [request, reply] = [opened(used)[0], answered(used)[0]];
        assert.equal(request?.to, `${to}:${port}`);
        assert.equal(reply?.from, `${to}:${port}`);
        assert.equal(reply?.to, request?.from);
        assert.equal(reply?.toMac, request?.fromMac, "the reply goes back to the router or neighbour that it came by");
        assert.match(reply?.fromMac ?? "", /^02:57:0a:09:0[12]:1e$/);
      });
    }

    const outward = [
      ["a neighbour in core", "vm", "10.9.1.11", "eth0", () => macOf(host.spaces.vm)],
      ["a neighbour in dmz", "dmzVm", "10.9.2.11", "eth1", () => macOf(host.spaces.dmzVm)],
      ["outside, by the default route", "tor", outside, "eth1", () => gatewayMac("dmz")],
      ["an internal prefix, by its route", "tor", "10.50.0.1", "eth0", () => gatewayMac("core")],
    ] as const;
    for (const [what, place, to, nic, nextMac] of outward) {
      it(`asks ${what} by ${nic}, and hears the answer there`, async () => {
        if (to === "10.50.0.1") host.run(host.spaces.tor, "ip", "addr", "add", `${to}/32`, "dev", "lo");
        const stop = await startListener(`/run/netns/${host.spaces[place]}`, port);
        const { [nic]: used, [nic === "eth0" ? "eth1" : "eth0"]: other } = await heard(async () => {
          await connect(netns, { from: null, to });
          await stop();
        });
        assert.deepEqual(other, []);
        assert.equal(opened(used)[0]?.toMac, nextMac());
        assert.equal(opened(used)[0]?.from.split(":")[0], nic === "eth0" ? "10.9.1.30" : "10.9.2.30");
        assert.equal(answered(used)[0]?.from, `${to}:${port}`);
      });
    }
  });
});
