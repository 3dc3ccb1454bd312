import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { after, before, describe, it } from "node:test";
import {
  addAddressRequest,
  addLinkRequest,
  addNeighbourRequest,
  addRouteRequest,
  addRuleRequest,
  arpAnnouncement,
  concatenatedKey,
  linkNameKey,
  macToBytes,
  NetlinkError,
  openNetlink,
  setBridgePortRequest,
  setLinkRequest,
  type LinkEvent,
  type Namespace,
} from "./index.ts";

// What the kernel has is read back by `ip`, `bridge` and `nft`, never by the code under test.
const host = `nlh${process.pid}`;
const pod = `nlp${process.pid}`;
const json = (...args: string[]) => JSON.parse(execFileSync(args[0] ?? "", args.slice(1), { encoding: "utf8" }));
const ipJson = (namespace: string, ...args: string[]) => json("ip", "-n", namespace, "-j", "-d", ...args);
const peerMac = "02:57:0a:64:01:14";

describe("netlink", () => {
  const netlink = openNetlink();
  let hostSpace: Namespace;
  let podSpace: Namespace;
  let bridgeIndex = 0;

  before(async () => {
    for (const name of [host, pod]) execFileSync("ip", ["netns", "add", name]);
    hostSpace = await netlink.openNamespace(`/run/netns/${host}`);
    podSpace = await netlink.openNamespace(`/run/netns/${pod}`);
    await netlink.run([
      [hostSpace, addLinkRequest({ name: "br0", kind: "bridge", mac: "02:00:00:00:00:fe", up: true })],
    ]);
    bridgeIndex = (await netlink.getLink(hostSpace, { name: "br0" })).index;
  });
  after(async () => {
    await netlink.close();
    for (const name of [host, pod]) execFileSync("ip", ["netns", "del", name]);
  });

  async function plumb(name: string): Promise<{ hostIndex: number; podIndex: number }> {
    const peer = { name: "eth0", mac: peerMac, mtu: 1400, namespaceFd: podSpace.fd };
    await netlink.run([
      [hostSpace, addLinkRequest({ name, kind: "veth", mtu: 1400, masterIndex: bridgeIndex, peer })],
      [hostSpace, setLinkRequest({ name }, { up: true, alias: "of a test" })],
      [podSpace, setLinkRequest({ name: "eth0" }, { up: true })],
    ]);
    const hostIndex = (await netlink.getLink(hostSpace, { name })).index;
    const podIndex = (await netlink.getLink(podSpace, { name: "eth0" })).index;
    return { hostIndex, podIndex };
  }
  const removeAll = async (name: string) => {
    const link = await netlink.findLink(hostSpace, { name });
    if (link) await netlink.removeLink(hostSpace, link.index);
  };

  it("makes a veth into a bridge with its peer, its MAC and its MTU in another namespace", async () => {
    const { hostIndex } = await plumb("w1");
    const [near] = ipJson(host, "link", "show", "w1");
    assert.equal(near.ifalias, "of a test");
    assert.equal(near.master, "br0");
    assert.equal(near.linkinfo.info_slave_data.state, "forwarding");
    const [far] = ipJson(pod, "link", "show", "eth0");
    assert.deepEqual([far.address, far.mtu, far.operstate], [peerMac, 1400, "UP"]);
    await netlink.run([[hostSpace, setBridgePortRequest(hostIndex, { isolated: true, hairpin: true })]]);
    const data = ipJson(host, "link", "show", "w1")[0].linkinfo.info_slave_data;
    assert.deepEqual([data.isolated, data.hairpin], [true, true]);
    const link = await netlink.getLink(hostSpace, { name: "w1" });
    assert.deepEqual(link.port, { state: "forwarding", hairpin: true, isolated: true, learning: true });
    await removeAll("w1");
  });

  it("sets addresses, routes in tables, rules and neighbours of both families", async () => {
    const { podIndex } = await plumb("w2");
    await netlink.run([
      [podSpace, addAddressRequest(podIndex, "10.100.1.20/24")],
      [podSpace, addAddressRequest(podIndex, "2001:db8::14/64")],
      [podSpace, addRouteRequest({ destination: "0.0.0.0/0", gateway: "10.100.1.254", linkIndex: podIndex })],
      [podSpace, addRouteRequest({ destination: "::/0", gateway: "2001:db8::1", linkIndex: podIndex })],
      [
        podSpace,
        addRouteRequest({ destination: "0.0.0.0/0", gateway: "10.100.1.254", linkIndex: podIndex, table: 1000 }),
      ],
      [podSpace, addRuleRequest({ priority: 500, table: 1000, from: "10.100.1.20/32" })],
      [podSpace, addNeighbourRequest({ linkIndex: podIndex, ip: "10.100.1.9", mac: peerMac, state: "permanent" })],
    ]);
    const addresses = ipJson(pod, "addr", "show", "eth0")[0].addr_info.map((info: { local: string }) => info.local);
    assert.ok(addresses.includes("10.100.1.20") && addresses.includes("2001:db8::14"));
    const [byDefault] = ipJson(pod, "route", "show", "default");
    assert.equal(byDefault.gateway, "10.100.1.254");
    assert.equal(ipJson(pod, "route", "show", "table", "1000")[0].gateway, "10.100.1.254");
    assert.equal(ipJson(pod, "-6", "route", "show", "default")[0].gateway, "2001:db8::1");
    const rule = ipJson(pod, "rule", "show").find((found: { priority: number }) => found.priority === 500);
    assert.deepEqual([rule.src, rule.table], ["10.100.1.20", "1000"]);
    const [neighbour] = ipJson(pod, "neigh", "show", "10.100.1.9");
    assert.equal(neighbour.lladdr, peerMac);

    assert.ok((await netlink.listRoutes(podSpace, { table: 1000 })).every(({ table }) => table === 1000));
    assert.equal((await netlink.listRoutes(podSpace, { table: 1000 })).length, 1);
    assert.ok((await netlink.listRules(podSpace)).some(({ from }) => from === "10.100.1.20/32"));
    assert.ok((await netlink.listNeighbours(podSpace)).some(({ ip }) => ip === "10.100.1.9"));
    assert.ok((await netlink.listAddresses(podSpace, podIndex)).some(({ address }) => address === "10.100.1.20/24"));
    await removeAll("w2");
  });

  it("gives the errno's name and the kernel's own words", async () => {
    const again = netlink.run([[hostSpace, addLinkRequest({ name: "br0", kind: "bridge" })]]);
    await assert.rejects(again, (error: unknown) => error instanceof NetlinkError && error.code === "EEXIST");
    const { podIndex } = await plumb("w3");
    const route = addRouteRequest({ destination: "0.0.0.0/0", gateway: "192.0.2.1", linkIndex: podIndex });
    await assert.rejects(
      netlink.run([[podSpace, route]]),
      (error: unknown) => error instanceof NetlinkError && /gateway/i.test(error.detail ?? ""),
    );
    await removeAll("w3");
    assert.equal(await netlink.findLink(hostSpace, { name: "w3" }), null);
    await assert.rejects(netlink.openNamespace("/run/netns/of-nobody"), /ENOENT/);
  });

  it("stops a run at the first refusal", async () => {
    const run = netlink.run([
      [hostSpace, addLinkRequest({ name: "br0", kind: "bridge" })],
      [hostSpace, addLinkRequest({ name: "br9", kind: "bridge" })],
    ]);
    await assert.rejects(run, /EEXIST/);
    assert.notEqual(spawnSync("ip", ["-n", host, "link", "show", "br9"]).status, 0);
  });

  it("tells of links that come, change and go", async () => {
    const events: LinkEvent[] = [];
    let stop = async () => undefined as void;
    const gone = new Promise<void>((resolve) => {
      void netlink
        .watchLinks(hostSpace, (event) => {
          events.push(event);
          if (event.kind === "removed" && event.link.name === "ev0") resolve();
        })
        .then((unwatch) => {
          stop = unwatch;
          execFileSync("ip", ["-n", host, "link", "add", "ev0", "type", "bridge"]);
          execFileSync("ip", ["-n", host, "link", "del", "ev0"]);
        });
    });
    await gone;
    await stop();
    const kinds = events.flatMap((event) =>
      event.kind !== "overrun" && event.link.name === "ev0" ? [event.kind] : [],
    );
    assert.ok(kinds.includes("changed") && kinds.at(-1) === "removed", kinds.join());
  });

  it("has taken a removed link out of sight in both namespaces when it says so, 30 at once", async () => {
    const names = Array.from({ length: 30 }, (_, index) => `rm${index}`);
    const links = [];
    for (const [index, name] of names.entries()) {
      const peer = { name: `p${index}`, namespaceFd: podSpace.fd };
      await netlink.run([[hostSpace, addLinkRequest({ name, kind: "veth", peer })]]);
      links.push(await netlink.getLink(hostSpace, { name }));
    }
    await Promise.all(
      links.map(async ({ index, name }) => {
        await netlink.removeLink(hostSpace, index);
        assert.equal(await netlink.findLink(hostSpace, { name }), null);
        assert.equal(await netlink.findLink(podSpace, { name: name.replace("rm", "p") }), null);
      }),
    );
    await netlink.removeLink(hostSpace, links[0]?.index ?? 0);
    assert.equal(ipJson(pod, "link").length, 1);
  });

  it("dumps whole while links come and go", async () => {
    const churn = (async () => {
      for (let round = 0; round < 15; round += 1) {
        await netlink.run([
          [hostSpace, addLinkRequest({ name: `churn${round}`, kind: "veth", peer: { name: `c${round}` } })],
        ]);
        await removeAll(`churn${round}`);
      }
    })();
    for (let round = 0; round < 60; round += 1) {
      assert.ok((await netlink.listLinks(hostSpace)).some(({ name }) => name === "br0"));
    }
    await churn;
  });

  it("hears who has an address, and nobody for a free one within the wait", async () => {
    const { podIndex } = await plumb("w4");
    await netlink.run([[podSpace, addAddressRequest(podIndex, "10.100.1.20/24")]]);
    const asked = { linkIndex: bridgeIndex, fromMac: "02:00:00:00:00:fe", attempts: 3 };
    assert.deepEqual(await netlink.probe(hostSpace, { ...asked, ip: "10.100.1.20", waitMs: 2000 }), { mac: peerMac });
    const started = performance.now();
    assert.equal(await netlink.probe(hostSpace, { ...asked, ip: "10.100.1.21", waitMs: 60 }), null);
    const tookMs = performance.now() - started;
    assert.ok(tookMs >= 59 && tookMs < 1000, `took ${tookMs} ms`);
    await removeAll("w4");
  });

  it("moves a warm neighbour to a new MAC by an announcement", async () => {
    const { podIndex } = await plumb("w5");
    execFileSync("ip", ["-n", host, "addr", "add", "10.100.1.1/24", "dev", "br0"]);
    execFileSync("ip", [
      "-n",
      host,
      "neigh",
      "replace",
      "10.100.1.20",
      "lladdr",
      "02:00:00:00:00:aa",
      "dev",
      "br0",
      "nud",
      "stale",
    ]);
    const sender = netlink.openSender(podSpace, podIndex);
    sender.send([arpAnnouncement(peerMac, "10.100.1.20")]);
    sender.close();
    assert.equal(ipJson(host, "neigh", "show", "10.100.1.20")[0].lladdr, peerMac);
    await removeAll("w5");
  });

  it("adds and removes elements of an nftables set in one transaction", async () => {
    const inHost = (...args: string[]) => ["netns", "exec", host, "nft", ...args];
    execFileSync("ip", inHost("-f", "-"), {
      input:
        "table bridge t {\nset s { type ifname . ether_addr . ipv4_addr; }\nset m { type ifname . ether_addr; }\n}\n",
    });
    const mac = macToBytes(peerMac);
    const triple = concatenatedKey([linkNameKey("w6"), mac, Buffer.from([10, 100, 1, 20])]);
    const changes = [
      { table: "t", set: "s", keys: [triple] },
      { table: "t", set: "m", keys: [concatenatedKey([linkNameKey("w6"), mac])] },
    ];
    await netlink.addElements(hostSpace, changes);
    await netlink.addElements(hostSpace, changes);
    const listed = execFileSync("ip", inHost("list", "ruleset"), { encoding: "utf8" });
    assert.match(listed, /"w6" \. 02:57:0a:64:01:14 \. 10\.100\.1\.20/);
    await netlink.removeElements(hostSpace, changes);
    assert.doesNotMatch(execFileSync("ip", inHost("list", "ruleset"), { encoding: "utf8" }), /w6/);
    await assert.rejects(netlink.removeElements(hostSpace, changes), /ENOENT/);
    await assert.rejects(netlink.addElements(hostSpace, [{ table: "none", set: "s", keys: [triple] }]), /ENOENT/);
  });
});
