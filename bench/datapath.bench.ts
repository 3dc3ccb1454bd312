// `npm run bench -- datapath [--json]`: TCP round trip and throughput pod to pod (one host, two hosts) and pod to VM, guarded as
// pods are, against two namespaces joined by a bare veth (the limit) and against vxlan between two hosts.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createTestHost, type TestHost } from "@wcs/agent/testing";
import { buildWecni } from "@wcs/cni";
import { createFigurePrinter, percentile } from "./figure.ts";

const print = createFigurePrinter(process.argv.slice(2));
const folder = mkdtempSync(join(tmpdir(), "wcs-datapath-"));
const probe = join(folder, "tcp-probe");
const rounds = 4;
const asksARound = 4_000;
const streamMs = 700;
const port = 5_201;

type Path = Readonly<{ name: string; from: string; to: string; ip: string }>;
type Sample = { roundTripUs: number[]; gigabits: number[] };

const ip = (...args: string[]) => execFileSync("ip", args, { encoding: "utf8" });
const inside = (space: string, ...argv: string[]) =>
  execFileSync("nsenter", [`--net=${space}`, ...argv], { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
const file = (space: string) => (space.startsWith("/") ? space : `/run/netns/${space}`);

async function serve(space: string): Promise<() => void> {
  const child = spawn("nsenter", [`--net=${file(space)}`, probe, "serve", String(port)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  return () => child.kill("SIGKILL");
}

function measure(path: Path, sample: Sample): void {
  const times = inside(file(path.from), probe, "rtt", path.ip, String(port), String(asksARound)).trim().split("\n");
  for (const time of times) sample.roundTripUs.push(Number(time) / 1000);
  const [bytes = 0, ns = 1] = inside(file(path.from), probe, "rate", path.ip, String(port), String(streamMs))
    .split(" ")
    .map(Number);
  sample.gigabits.push((bytes * 8) / ns);
}

/** Two namespaces and nothing between them but a veth; and two joined by vxlan over the hosts' underlay. */
function joinDirectly(host: TestHost): Path {
  const [a, b] = [host.addSpace("va"), host.addSpace("vb")];
  ip("link", "add", "v0", "netns", a.slice(11), "type", "veth", "peer", "name", "v0", "netns", b.slice(11));
  for (const [space, last] of [
    [a, 1],
    [b, 2],
  ] as const) {
    ip("-n", space.slice(11), "addr", "add", `10.250.0.${last}/24`, "dev", "v0");
    ip("-n", space.slice(11), "link", "set", "v0", "up");
  }
  return { name: "bare veth", from: a, to: b, ip: "10.250.0.2" };
}

function joinByVxlan(hosts: readonly [TestHost, TestHost]): Path {
  const spaces = hosts.map((host, index) => {
    const space = host.addSpace(`x${index}`);
    const own = `10.9.1.${index + 1}`;
    const other = `10.9.1.${2 - index}`;
    const h = host.hostSpace;
    ip(
      "-n",
      h,
      "link",
      "add",
      "vx0",
      "type",
      "vxlan",
      "id",
      "7",
      "local",
      own,
      "remote",
      other,
      "dstport",
      "4789",
      "dev",
      "br-core",
    );
    ip("-n", h, "link", "add", "brx", "type", "bridge");
    ip("link", "add", "xh", "netns", h, "type", "veth", "peer", "name", "eth0", "netns", space.slice(11));
    for (const link of ["vx0", "xh"]) ip("-n", h, "link", "set", link, "master", "brx", "up");
    ip("-n", h, "link", "set", "brx", "up");
    ip("-n", space.slice(11), "link", "set", "eth0", "mtu", "1450", "up");
    ip("-n", space.slice(11), "addr", "add", `10.251.0.${index + 1}/24`, "dev", "eth0");
    return space;
  });
  return { name: "vxlan between hosts", from: spaces[0] ?? "", to: spaces[1] ?? "", ip: "10.251.0.2" };
}

async function addPod(host: TestHost, name: string): Promise<{ space: string; ip: string }> {
  const space = host.addSpace(name);
  const { output } = await host.cni("ADD", name, { netns: space });
  const address = (output as { ips?: { address: string }[] } | null)?.ips?.[0]?.address.split("/")[0];
  if (address === undefined) throw new Error(`ADD: ${JSON.stringify(output)}`);
  return { space, ip: address };
}

execFileSync("gcc", ["-O2", "-o", probe, fileURLToPath(new URL("./tcp-probe.c", import.meta.url))]);
const wecni = await buildWecni();
const one = await createTestHost({ wecni });
const two = await createTestHost({ wecni, joins: one });
const servers: (() => void)[] = [];
try {
  one.setPods([], ["10.9.1.200-10.9.1.209"]);
  two.setPods([], ["10.9.1.210-10.9.1.219"]);
  for (const host of [one, two]) await host.start();
  const [a, b] = [await addPod(one, "pa"), await addPod(one, "pb")];
  const c = await addPod(two, "pc");
  const limit = joinDirectly(one);
  const vxlan = joinByVxlan([one, two]);
  const paths: Path[] = [
    { name: "pod to pod, one host", from: a.space, to: b.space, ip: b.ip },
    { name: "pod to pod, two hosts of a rack", from: a.space, to: c.space, ip: c.ip },
    { name: "pod to VM", from: a.space, to: one.spaces.vm, ip: "10.9.1.11" },
  ];
  const all = [limit, vxlan, ...paths];
  for (const path of all) servers.push(await serve(path.to));
  const samples = new Map(all.map((path): [string, Sample] => [path.name, { roundTripUs: [], gigabits: [] }]));
  for (let round = 0; round < rounds; round += 1) {
    for (const path of all) measure(path, samples.get(path.name) ?? { roundTripUs: [], gigabits: [] });
  }
  const of = (path: Path) => samples.get(path.name) ?? { roundTripUs: [], gigabits: [] };
  for (const path of [...paths, vxlan]) {
    for (const against of path === vxlan ? [limit] : [limit, vxlan]) {
      const suffix = against === limit ? "" : " (beside vxlan)";
      print({
        name: `datapath: round trip, ${path.name}${suffix}`,
        value: percentile(of(path).roundTripUs, 0.5),
        unit: "us",
        baseline: percentile(of(against).roundTripUs, 0.5),
        baselineIs: against.name,
      });
      print({
        name: `datapath: throughput, ${path.name}${suffix}`,
        value: percentile(of(path).gigabits, 0.5),
        unit: "Gb/s",
        baseline: percentile(of(against).gigabits, 0.5),
        baselineIs: against.name,
      });
    }
  }
} finally {
  for (const stop of servers) stop();
  await two.close();
  await one.close();
  rmSync(folder, { recursive: true, force: true });
}
