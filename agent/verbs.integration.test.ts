import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, beforeEach, describe, it } from "node:test";
import { buildWecni } from "@wcs/cni";
import { readAdmin, readStatus } from "./service/read-status.ts";
import { answers, createTestHost, instancePod, podArgs, startListener, type TestHost } from "./testing/test-host.ts";

type Result = {
  interfaces: { name: string; mac?: string; sandbox?: string }[];
  ips: { address: string; version?: string }[];
};
const addressOf = (outcome: { output: Record<string, unknown> | null }) =>
  (outcome.output as Result | null)?.ips[0]?.address;

describe("the agent's verbs", () => {
  let host: TestHost;
  let spaces = 0;
  const space = () => host.addSpace(`c${(spaces += 1)}`);
  const app = instancePod("app-0", [{ area: "core", host: 20 }]);

  before(async () => {
    host = await createTestHost({ wecni: await buildWecni() });
    host.setPods([app]);
    await host.start();
  });
  after(() => host.close());
  beforeEach(async () => {
    await host.cni("GC", "", { config: { "cni.dev/valid-attachments": [] } });
  });

  for (const version of ["0.4.0", "1.0.0", "1.1.0"]) {
    it(`ADD, CHECK and DEL a pod with its annotation's address, by CNI ${version}`, async () => {
      const netns = space();
      const call = { netns, args: podArgs(app), version };
      const added = await host.cni("ADD", `a${version}`, call);
      assert.equal(added.status, 0, host.log());
      const result = added.output as unknown as Result & { cniVersion: string };
      assert.equal(result.cniVersion, version);
      assert.equal(result.ips[0]?.address, "10.9.1.20/24");
      assert.equal(result.ips[0]?.version, version === "0.4.0" ? "4" : undefined);
      assert.deepEqual(result.interfaces[1], { name: "eth0", mac: "02:57:0a:09:01:14", sandbox: netns });
      const [link] = host.json(netns.slice(11), "ip", "-j", "link", "show", "eth0");
      assert.equal(link?.address, "02:57:0a:09:01:14");
      assert.ok(answers(host.spaces.vm, "10.9.1.20"), "a neighbour reaches it");
      assert.ok(answers(host.hostSpace, "10.9.1.20"), "the host reaches it, as kubelet's probes do");
      const checked = await host.cni("CHECK", `a${version}`, { ...call, config: { prevResult: added.output } });
      assert.deepEqual([checked.status, checked.output], [0, null]);
      const removed = await host.cni("DEL", `a${version}`, call);
      assert.deepEqual([removed.status, removed.output], [0, null]);
      assert.deepEqual(host.ourLinks(), []);
      assert.equal((await host.status()).attachments.length, 0);
    });
  }

  it("answers a repeated ADD with the same result, and DEL twice, without a namespace and without prevResult", async () => {
    const call = { netns: space(), args: podArgs(app) };
    const first = await host.cni("ADD", "again", call);
    const second = await host.cni("ADD", "again", call);
    assert.deepEqual(second.output, first.output);
    assert.equal(host.ourLinks().length, 1);
    for (let round = 0; round < 2; round += 1) assert.equal((await host.cni("DEL", "again")).status, 0);
    assert.equal(host.ourLinks().length, 0);
  });

  it("gives a pod without an annotation, and a tool, addresses of the dynamic block, and its pod's new sandbox the old one", async () => {
    const plain = { ...app, name: "plain", uid: "uid-plain", network: null };
    host.setPods([app, plain]);
    const pod = await host.cni("ADD", "plain-1", { netns: space(), args: podArgs(plain) });
    const tool = await host.cni("ADD", "tool", { netns: space() });
    assert.match(addressOf(pod) ?? "", /^10\.9\.1\.2[0-3]\d\/24$/);
    assert.match(addressOf(tool) ?? "", /^10\.9\.1\.2[0-3]\d\/24$/);
    assert.notEqual(addressOf(pod), addressOf(tool));
    const again = await host.cni("ADD", "plain-2", { netns: space(), args: podArgs(plain) });
    assert.equal(addressOf(again), addressOf(pod));
  });

  it("refuses when the dynamic block is used up, and serves again when an address is free", async () => {
    host.setPods([app], ["10.9.1.240-10.9.1.241"]);
    const outcomes = [];
    for (const name of ["d1", "d2", "d3"]) outcomes.push(await host.cni("ADD", name, { netns: space() }));
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      [0, 0, 1],
    );
    assert.equal(outcomes[2]?.output?.["code"], 102);
    await host.cni("DEL", "d1");
    assert.equal((await host.cni("ADD", "d3", { netns: space() })).status, 0);
    host.setPods([app]);
  });

  it("keeps the address of a pod that was made again while the old one's DEL is late, and the late DEL frees nothing", async () => {
    assert.equal((await host.cni("ADD", "old", { netns: space(), args: podArgs(app) })).status, 0);
    const renewed = { ...app, uid: "uid-renewed" };
    host.setPods([renewed]);
    const added = await host.cni("ADD", "new", { netns: space(), args: podArgs(renewed) });
    assert.equal(addressOf(added), "10.9.1.20/24", host.log());
    assert.equal((await host.cni("DEL", "old", { args: podArgs(app) })).status, 0);
    const { attachments } = await host.status();
    assert.deepEqual(
      attachments.map(({ key }) => key),
      ["new/eth0"],
    );
    assert.ok(answers(host.spaces.vm, "10.9.1.20"));
    host.setPods([app]);
  });

  it("refuses an address whose pod still runs, and an older generation", async () => {
    assert.equal((await host.cni("ADD", "runs", { netns: space(), args: podArgs(app) })).status, 0);
    const twin = { ...app, name: "twin", uid: "uid-twin" };
    const other = instancePod("other-0", [{ area: "core", host: 20 }]);
    host.setPods([app, twin, other]);
    for (const pod of [twin, other]) {
      const refused = await host.cni("ADD", pod.name, { netns: space(), args: podArgs(pod) });
      assert.equal(refused.output?.["code"], 101);
    }
    const newer = instancePod("app-0", [{ area: "core", host: 20 }], { generation: 5, uid: "uid-5" });
    host.setPods([newer]);
    assert.equal((await host.cni("ADD", "gen5", { netns: space(), args: podArgs(newer) })).status, 0);
    const older = { ...app, name: "older", uid: "uid-4" };
    host.setPods([{ ...newer, ended: true }, older]);
    const refused = await host.cni("ADD", "gen1", { netns: space(), args: podArgs(older) });
    assert.match(String(refused.output?.["details"]), /older one/);
    host.setPods([app]);
  });

  it("refuses an address that is answered for on the rack, says by whom, and leaves nothing behind", async () => {
    host.run(host.spaces.vm, "ip", "addr", "add", "10.9.1.20/24", "dev", "eth0");
    const [vm] = host.json(host.spaces.vm, "ip", "-j", "link", "show", "eth0");
    const netns = space();
    const refused = await host.cni("ADD", "conflict", { netns, args: podArgs(app) });
    assert.equal(refused.output?.["code"], 100);
    assert.match(String(refused.output?.["msg"]), new RegExp(`10\\.9\\.1\\.20 .*${vm?.address}`));
    assert.deepEqual(host.ourLinks(), []);
    assert.equal(host.json(netns.slice(11), "ip", "-j", "link").length, 1);
    assert.equal((await host.status()).attachments.length, 0);
    host.run(host.spaces.vm, "ip", "addr", "del", "10.9.1.20/24", "dev", "eth0");
    assert.equal((await host.cni("ADD", "conflict", { netns, args: podArgs(app) })).status, 0);
  });

  it("refuses an address without a gateway that answers", async () => {
    host.run(host.spaces.tor, "ip", "addr", "del", "10.9.1.254/24", "dev", "tor-core");
    // An answer counts for a second.
    await sleep(1_100);
    const refused = await host.cni("ADD", "gateway", { netns: space(), args: podArgs(app) });
    host.run(host.spaces.tor, "ip", "addr", "add", "10.9.1.254/24", "dev", "tor-core");
    assert.equal(refused.output?.["code"], 104);
    assert.deepEqual(host.ourLinks(), []);
  });

  it("gives two NICs routes by which replies leave by the NIC that the request used, and CHECK finds what someone changed", async () => {
    const gateway = instancePod("gw-0", [
      { area: "core", host: 30 },
      { area: "dmz", host: 30 },
    ]);
    host.setPods([app, gateway]);
    const netns = space();
    const name = netns.slice(11);
    const added = await host.cni("ADD", "two", { netns, args: podArgs(gateway) });
    assert.equal(added.status, 0, host.log());
    const routes = host.json(name, "ip", "-j", "route");
    assert.deepEqual(routes.find(({ dst }) => dst === "default")?.gateway, "10.9.2.254");
    assert.deepEqual(routes.find(({ dst }) => dst === "10.0.0.0/8")?.gateway, "10.9.1.254");
    const stop = await startListener(netns, 8080);
    for (const from of [host.spaces.vm, host.spaces.dmzVm]) {
      // Each asks for the NIC of the other's subnet: the reply must go back by the NIC that was asked.
      for (const to of ["10.9.1.30", "10.9.2.30"]) assert.ok(answers(from, to, 8080), `${from} to ${to}`);
    }
    const via = (ip: string) => host.run(name, "ip", "route", "get", "203.0.113.9", "from", ip);
    assert.match(via("10.9.1.30"), /via 10\.9\.1\.254 dev eth0/);
    assert.match(via("10.9.2.30"), /via 10\.9\.2\.254 dev eth1/);
    await stop();

    const check = () => host.cni("CHECK", "two", { netns, config: { prevResult: added.output } });
    assert.equal((await check()).status, 0);
    host.run(name, "ip", "rule", "del", "from", "10.9.1.30");
    assert.match(String((await check()).output?.["details"]), /rule .*10\.9\.1\.30.* is missing/);
    host.run(name, "ip", "rule", "add", "from", "10.9.1.30", "table", "1000", "priority", "1000");
    host.run(name, "ip", "route", "add", "192.0.2.0/24", "via", "10.9.1.254");
    assert.match(String((await check()).output?.["details"]), /192\.0\.2\.0\/24 .*was not asked for/);
    host.setPods([app]);
  });

  it("has announced the address to the whole rack when ADD answers, every time of 20", async () => {
    const netns = space();
    for (let round = 0; round < 20; round += 1) {
      host.run(host.spaces.tor, "sh", "-c", "bridge fdb replace 02:57:0a:09:01:14 dev core-v master dynamic");
      assert.equal((await host.cni("ADD", `heard${round}`, { netns, args: podArgs(app) })).status, 0);
      // The TOR learns of a moved MAC from the announcement only: nobody has asked the pod for anything.
      const learnt = host.run(host.spaces.tor, "bridge", "fdb", "show", "br", "tor-core");
      assert.match(learnt, /02:57:0a:09:01:14 dev core-h1/, `round ${round}`);
      await host.cni("DEL", `heard${round}`, { netns });
    }
  });

  it("drops what a pod sends under another's IP or MAC, and lets its own through", async () => {
    const netns = space();
    const name = netns.slice(11);
    assert.equal((await host.cni("ADD", "spoof", { netns, args: podArgs(app) })).status, 0);
    assert.ok(answers(name, "10.9.1.11"));
    host.run(name, "ip", "addr", "add", "10.9.1.66/24", "dev", "eth0");
    assert.ok(!answers(host.spaces.vm, "10.9.1.66"), "nobody hears of a stolen IP");
    assert.doesNotMatch(host.run(host.spaces.vm, "ip", "neigh"), /10\.9\.1\.66 .*lladdr 02/);
    host.run(name, "ip", "addr", "del", "10.9.1.66/24", "dev", "eth0");
    host.run(name, "ip", "link", "set", "eth0", "address", "02:00:00:00:00:66");
    assert.ok(!answers(name, "10.9.1.11"), "a stolen MAC passes nothing");
    host.run(name, "ip", "link", "set", "eth0", "address", "02:57:0a:09:01:14");
    host.run(name, "ip", "route", "replace", "default", "via", "10.9.1.254");
    assert.ok(answers(name, "10.9.1.11"));
  });

  it("ends with GC what the runtime no longer has, but no pod that runs", async () => {
    const gone = { ...app, name: "gone", uid: "uid-gone", network: null };
    host.setPods([app, gone]);
    for (const [id, pod] of [
      ["live", app],
      ["gone", gone],
    ] as const) {
      assert.equal((await host.cni("ADD", id, { netns: space(), args: podArgs(pod) })).status, 0);
    }
    await host.cni("ADD", "listed", { netns: space() });
    host.setPods([app]);
    assert.equal((await host.cni("GC", "")).status, 0);
    assert.equal((await host.status()).attachments.length, 3, "no list says nothing");
    const valid = [{ containerID: "listed", ifname: "eth0" }];
    assert.equal((await host.cni("GC", "", { config: { "cni.dev/valid-attachments": valid } })).status, 0);
    const keys = (await host.status()).attachments.map(({ key }) => key).sort();
    assert.deepEqual(keys, ["listed/eth0", "live/eth0"]);
    host.setPods([]);
    await host.cni("GC", "", { config: { "cni.dev/valid-attachments": [] } });
    host.setPods([app]);
  });

  it("says with STATUS whether the host can serve", async () => {
    assert.equal((await host.cni("STATUS", "")).status, 0);
    host.run(host.hostSpace, "ip", "link", "set", "br-core", "down");
    const down = await host.cni("STATUS", "");
    assert.equal(down.output?.["code"], 50);
    host.run(host.hostSpace, "ip", "link", "set", "br-core", "up");
    host.run(host.hostSpace, "ip", "route", "replace", "default", "via", "10.9.1.254");
  });

  it("pins the bridge's MAC to its uplink's, so that pods never change it", async () => {
    const mac = () => host.json(host.hostSpace, "ip", "-j", "link", "show", "br-core")[0]?.address;
    const [uplink] = host.json(host.hostSpace, "ip", "-j", "link", "show", "up-core");
    assert.equal(mac(), uplink?.address);
    host.run(
      host.hostSpace,
      "sh",
      "-c",
      "ip link add lowest type veth peer name lowest2 && ip link set lowest address 02:00:00:00:00:01 && ip link set lowest master br-core",
    );
    assert.equal(mac(), uplink?.address);
    host.run(host.hostSpace, "ip", "link", "del", "lowest");
  });

  const bad: [string, string, Parameters<TestHost["cni"]>[2], number][] = [
    ["a missing container id", "ADD", { env: { CNI_CONTAINERID: "" }, netns: "/x" }, 4],
    ["a missing namespace", "ADD", { netns: "" }, 4],
    ["a missing path", "ADD", { netns: "/x", env: { CNI_PATH: "" } }, 4],
    ["a container id with a slash", "ADD", { netns: "/x", env: { CNI_CONTAINERID: "../x" } }, 4],
    ["an interface name of 16 bytes", "ADD", { netns: "/x", ifName: "sixteen-bytes-xx" }, 4],
    ["an interface name with a slash", "ADD", { netns: "/x", ifName: "a/b" }, 4],
    ["an unknown command", "FROB", {}, 4],
    ["JSON that is none", "ADD", { netns: "/x", stdin: "{" }, 6],
    ["an empty configuration", "ADD", { netns: "/x", stdin: "" }, 6],
    ["no network name", "ADD", { netns: "/x", stdin: '{"cniVersion":"1.0.0"}' }, 7],
    ["a network name with a blank", "ADD", { netns: "/x", stdin: '{"cniVersion":"1.0.0","name":"a b"}' }, 7],
    ["a version of the future", "ADD", { netns: "/x", version: "9.0.0" }, 1],
    ["GC by an old version", "GC", { version: "1.0.0" }, 1],
    ["STATUS by an old version", "STATUS", { version: "0.4.0" }, 1],
    ["a namespace that is not there", "ADD", { netns: "/run/netns/of-nobody" }, 8],
    ["a namespace that is none", "ADD", { netns: "/dev/null" }, 8],
    ["CHECK without prevResult", "CHECK", { netns: "/x" }, 7],
    ["a pod that nobody knows", "ADD", { netns: "/x", args: "K8S_POD_NAMESPACE=a;K8S_POD_NAME=b;K8S_POD_UID=c" }, 11],
  ];
  for (const [what, command, options, code] of bad) {
    it(`answers ${what} with code ${code}`, async () => {
      const given = options?.netns === "/x" ? { ...options, netns: space() } : options;
      const outcome = await host.cni(command, "bad", given);
      assert.equal(outcome.status, 1);
      assert.equal(outcome.output?.["code"], code, JSON.stringify(outcome.output));
      assert.ok(String(outcome.output?.["msg"]).length > 0);
      assert.deepEqual(host.ourLinks(), []);
    });
  }

  it("refuses the host's own namespace", async () => {
    const outcome = await host.cni("ADD", "own", { netns: `/run/netns/${host.hostSpace}` });
    assert.equal(outcome.output?.["code"], 8);
  });

  it("names what is wrong with an annotation", async () => {
    const wrong = {
      ...app,
      name: "wrong",
      uid: "uid-wrong",
      network: '{"version":1,"instance":"x","generation":1,"nics":[]}',
    };
    host.setPods([wrong]);
    const outcome = await host.cni("ADD", "wrong", { netns: space(), args: podArgs(wrong) });
    assert.equal(outcome.output?.["code"], 106);
    assert.match(String(outcome.output?.["details"]), /nics/);
    host.setPods([app]);
  });

  it("tells VERSION", async () => {
    const { output } = await host.cni("VERSION", "", { stdin: "" });
    assert.deepEqual(output?.["supportedVersions"], ["0.4.0", "1.0.0", "1.1.0"]);
  });

  it("tells calls by verb, duration and code, and free addresses, in metrics and in words", async () => {
    const figures = async () => {
      const lines = (await readAdmin(host.adminSocket, "/metrics")).split("\n");
      return (name: string) => Number(lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1) ?? 0);
    };
    const before = await figures();
    const netns = space();
    assert.equal((await host.cni("ADD", "counted", { netns })).status, 0);
    assert.equal((await host.cni("ADD", "bad", { netns: "/run/netns/of-nobody" })).status, 1);
    const after = await figures();
    const grown = (name: string) => after(name) - before(name);
    assert.equal(grown('wcs_agent_cni_seconds_count{verb="ADD"}'), 2);
    assert.equal(grown('wcs_agent_cni_seconds_bucket{verb="ADD",le="+Inf"}'), 2);
    assert.ok(grown('wcs_agent_cni_seconds_sum{verb="ADD"}') > 0);
    assert.equal(grown('wcs_agent_cni_errors_total{verb="ADD",code="8"}'), 1);
    const free = 'wcs_agent_dynamic_addresses_free{area="core",subnet="rack1-core"}';
    assert.deepEqual([after(free), grown(free)], [30, -1]);
    assert.equal(after("wcs_agent_attachments"), 1);
    const words = await readStatus(host.adminSocket, false);
    assert.match(words, /^dynamic +30 of 31 addresses of core free$/m);
    assert.match(words, /^calls .*ADD code 8 /m);
    assert.match(words, /^ {2}counted\/eth0… present no pod: eth0 10\.9\.1\.2\d\d \(core\)$/m);
  });
});

describe("the agent that is away", () => {
  let host: TestHost;
  const app = instancePod("app-0", [{ area: "core", host: 20 }]);
  before(async () => {
    host = await createTestHost({ wecni: await buildWecni() });
    host.setPods([app]);
  });
  after(() => host.close());

  it("makes ADD try again, STATUS say 50, and DEL succeed and be replayed", async () => {
    await host.start();
    const netns = host.addSpace("away");
    assert.equal((await host.cni("ADD", "away", { netns, args: podArgs(app) })).status, 0);
    await host.kill();
    assert.equal((await host.cni("ADD", "more", { netns })).output?.["code"], 11);
    assert.equal((await host.cni("CHECK", "away", { netns })).output?.["code"], 11);
    assert.equal((await host.cni("STATUS", "")).output?.["code"], 50);
    assert.equal((await host.cni("DEL", "away", { netns })).status, 0);
    assert.equal(readdirSync(join(host.folder, "tombstones")).length, 1);
    assert.equal(host.ourLinks().length, 1);
    await host.start();
    assert.deepEqual(host.ourLinks(), []);
    assert.deepEqual(readdirSync(join(host.folder, "tombstones")), []);
    assert.equal((await host.status()).attachments.length, 0);
    await host.kill();
  });

  it("comes back after a restart with what it held, and after a reboot gives the pod its address again", async () => {
    await host.start();
    const netns = host.addSpace("keep");
    assert.equal((await host.cni("ADD", "keep", { netns, args: podArgs(app) })).status, 0);
    await host.kill();
    await host.start();
    assert.deepEqual(
      (await host.status()).attachments.map(({ key, phase }) => [key, phase]),
      [["keep/eth0", "present"]],
    );
    assert.ok(answers(host.spaces.vm, "10.9.1.20"), "its traffic went on");
    assert.equal((await host.cni("ADD", "keep", { netns, args: podArgs(app) })).status, 0);
    await host.kill();
    host.removeSpace(netns);
    await host.start();
    const after = host.addSpace("keep2");
    const added = await host.cni("ADD", "keep2", { netns: after, args: podArgs(app) });
    assert.equal(addressOf(added), "10.9.1.20/24", host.log());
    assert.equal((await host.cni("DEL", "keep", { netns })).status, 0);
    assert.ok(answers(host.spaces.vm, "10.9.1.20"));
    await host.cni("DEL", "keep2", {});
    const running = host.agent();
    const exited = running ? once(running, "exit") : null;
    running?.kill("SIGTERM");
    await exited;
  });
});
