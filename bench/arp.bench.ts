// `npm run bench -- arp [--json]`: how long a neighbour with a warm ARP entry can't reach an address that moves to another host
// of the rack, also when its first announcement is lost, or is made anew on the same host: from the moment that the new port forwards until the
// first answer. Beside it the reference bridge plugin, which announces nothing and gives a new MAC.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createTestHost, instancePod, podArgs, type TestHost } from "@wcs/agent/testing";
import { buildWecni } from "@wcs/cni";
import { openNetlink } from "@wcs/netlink";
import { createFigurePrinter, percentile } from "./figure.ts";

const print = createFigurePrinter(process.argv.slice(2));
const moves = 15;
const longestOutageMs = 60_000;
const port = 9;

/** In the TOR: the first announcement of the pod's MAC does not come through (46 bytes without its Ethernet header). */
const firstIsLost = `table bridge loss
delete table bridge loss
add table bridge loss
add chain bridge loss first { type filter hook prerouting priority -300; }
add rule bridge loss first ether saddr 02:57:0a:09:01:14 ether type arp quota until 90 bytes drop`;

/** Answers every datagram that comes to a namespace. */
async function startEcho(netns: string): Promise<() => Promise<void>> {
  const script = `const s=require("node:dgram").createSocket("udp4");s.on("message",(m,r)=>s.send(m,r.port,r.address,()=>{}));s.on("error",()=>{});s.bind(${port},"0.0.0.0",()=>process.send("ready"))`;
  const child = spawn("nsenter", [`--net=${netns}`, process.execPath, "-e", script], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  await once(child, "message");
  return async () => {
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  };
}

type Asker = Readonly<{
  lastAnswerMs: () => number;
  nextAnswerAfter: (ms: number) => Promise<number | null>;
  stop: () => Promise<void>;
}>;

/** A neighbour that asks every millisecond; times are of the machine's monotonic clock. */
async function startAsker(netns: string, ip: string): Promise<Asker> {
  const script = `const s=require("node:dgram").createSocket("udp4");s.on("error",()=>{});s.on("message",()=>console.log(Number(process.hrtime.bigint())/1e6));s.bind(0,()=>{setInterval(()=>s.send("x",${port},"${ip}",()=>{}),1);console.log("ready")})`;
  const child = spawn("nsenter", [`--net=/run/netns/${netns}`, process.execPath, "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let last = 0;
  const lines = createInterface({ input: child.stdout });
  await once(lines, "line");
  lines.on("line", (line) => {
    last = Number(line);
  });
  return {
    lastAnswerMs: () => last,
    nextAnswerAfter: async (ms) => {
      for (const deadline = now() + longestOutageMs; now() < deadline;) {
        if (last > ms) return last;
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      return null;
    },
    stop: async () => {
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  };
}
const now = () => Number(process.hrtime.bigint()) / 1e6;

type Caller = (verb: "ADD" | "DEL", container: string, netns: string) => Promise<void>;

/** Moves an address from host to host and gives each outage in milliseconds; null for one that outlasted the bench's patience. */
async function measureMoves(
  hosts: readonly TestHost[],
  ip: string,
  options: Readonly<{ caller: (host: TestHost) => Caller; count: number; beforeAdd?: () => void }>,
): Promise<(number | null)[]> {
  const [first] = hosts;
  if (!first) throw new RangeError("no hosts");
  const netlink = openNetlink();
  const forwarding: number[] = [];
  const watched = await Promise.all(
    hosts.map(async (host) => {
      const space = await netlink.openNamespace(`/run/netns/${host.hostSpace}`);
      return netlink.watchLinks(space, (event) => {
        if (event.kind === "changed" && event.bridgePort && event.link.carrier) forwarding.push(now());
      });
    }),
  );
  const asker = await startAsker(first.spaces.vm, ip);
  const outages: (number | null)[] = [];
  let before: { host: TestHost; container: string; netns: string; stop: () => Promise<void> } | null = null;
  for (let move = 0; move <= options.count; move += 1) {
    const host = hosts[move % hosts.length] ?? first;
    const netns = host.addSpace(`m${move}`);
    const stop = await startEcho(netns);
    if (before !== null) {
      await options.caller(before.host)("DEL", before.container, before.netns);
      await before.stop();
      before.host.removeSpace(before.netns);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
    options.beforeAdd?.();
    forwarding.length = 0;
    const started = now();
    const adding = options.caller(host)("ADD", `m${move}`, netns);
    const answered = await asker.nextAnswerAfter(started);
    await adding;
    const from = forwarding.findLast((ms) => answered === null || ms <= answered) ?? started;
    if (before !== null) outages.push(answered === null ? null : answered - from);
    before = { host, container: `m${move}`, netns, stop };
    // Warm: the neighbour has an entry that it uses.
    await new Promise((resolve) => setTimeout(resolve, 1_200));
  }
  if (before !== null) {
    await options.caller(before.host)("DEL", before.container, before.netns);
    await before.stop();
    before.host.removeSpace(before.netns);
  }
  await asker.stop();
  await Promise.all(watched.map((unwatch) => unwatch()));
  await netlink.close();
  return outages;
}

const wecni = await buildWecni();
const one = await createTestHost({ wecni });
const two = await createTestHost({ wecni, joins: one });
try {
  const pod = instancePod("moving-0", [{ area: "core", host: 20 }]);
  for (const host of [one, two]) {
    host.setPods([pod]);
    await host.start();
  }
  const ours =
    (host: TestHost): Caller =>
    async (verb, container, netns) => {
      const outcome = await host.cni(verb, container, { netns, args: podArgs(pod) });
      if (outcome.status !== 0) throw new Error(`${verb}: ${JSON.stringify(outcome.output)}`);
    };
  const bridge =
    (host: TestHost): Caller =>
    async (verb, container, netns) => {
      const dataDir = join(host.folder, "host-local");
      mkdirSync(dataDir, { recursive: true });
      const config = {
        cniVersion: "1.0.0",
        name: "reference",
        type: "bridge",
        bridge: "br-core",
        ipam: {
          type: "host-local",
          dataDir,
          ranges: [[{ subnet: "10.9.1.0/24", rangeStart: "10.9.1.30", rangeEnd: "10.9.1.30" }]],
        },
      };
      const file = join(host.folder, "bridge.conf");
      writeFileSync(file, JSON.stringify(config));
      const env = {
        PATH: "/usr/bin:/bin",
        CNI_COMMAND: verb,
        CNI_CONTAINERID: container,
        CNI_NETNS: netns,
        CNI_IFNAME: "eth0",
        CNI_PATH: "/usr/lib/cni",
      };
      const child = spawn(
        "nsenter",
        [`--net=/run/netns/${host.hostSpace}`, "sh", "-c", `exec /usr/lib/cni/bridge < "$1"`, "sh", file],
        { env, stdio: ["ignore", "ignore", "inherit"] },
      );
      const [status] = await once(child, "exit");
      if (status !== 0) throw new Error(`the reference plugin's ${verb} ended with ${String(status)}`);
    };
  const mine = (await measureMoves([one, two], "10.9.1.20", { caller: ours, count: moves })).map(
    (ms) => ms ?? longestOutageMs,
  );
  const loseFirst = () =>
    execFileSync("nsenter", [`--net=/run/netns/${one.spaces.tor}`, "nft", "-f", "-"], { input: firstIsLost });
  const unlucky = (
    await measureMoves([one, two], "10.9.1.20", { caller: ours, count: moves, beforeAdd: loseFirst })
  ).map((ms) => ms ?? longestOutageMs);
  const anew = (await measureMoves([one], "10.9.1.20", { caller: ours, count: moves })).map(
    (ms) => ms ?? longestOutageMs,
  );
  const theirs = (await measureMoves([one, two], "10.9.1.30", { caller: bridge, count: 1 })).map(
    (ms) => ms ?? longestOutageMs,
  );
  const baseline = percentile(theirs, 0.5);
  const baselineIs = "reference bridge plugin";
  print({
    name: "arp: outage of a moved IP for a warm neighbour, p50",
    value: percentile(mine, 0.5),
    unit: "ms",
    baseline,
    baselineIs,
  });
  print({
    name: "arp: outage of a moved IP for a warm neighbour, worst",
    value: Math.max(...mine),
    unit: "ms",
    baseline: 50,
    baselineIs: "promised",
  });
  for (const [what, sample] of [
    ["moved, its first announcement lost", unlucky],
    ["made anew on its host", anew],
  ] as const) {
    const promised = { unit: "ms", baseline: 50, baselineIs: "promised" };
    print({ name: `arp: outage of an IP ${what}, p50`, value: percentile(sample, 0.5), ...promised });
    print({ name: `arp: outage of an IP ${what}, worst`, value: Math.max(...sample), ...promised });
  }
} finally {
  await two.close();
  await one.close();
}
