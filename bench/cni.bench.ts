// `npm run bench -- cni [--json]`: ADD and DEL of this agent beside the reference plugins (bridge + host-local), in one run,
// on namespaces of its own. Both are called as a runtime calls them: a process a call, started by the same shell.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTestHost, type TestHost } from "@wcs/agent/testing";
import { buildWecni } from "@wcs/cni";
import { measureAgentMemory } from "./agent-memory.ts";
import { createFigurePrinter, percentile } from "./figure.ts";

const plugins = "/usr/lib/cni";
const batches = 4;
const batchSize = 50;
const crowd = 100;
const reference = "bridge + host-local";
const print = createFigurePrinter(process.argv.slice(2));

type Side = Readonly<{ program: string; config: string; netns: string; env: Record<string, string> }>;
type Call = Readonly<{ command: string; id: string; netns: string }>;

const invoke = (side: Side, { command, id, netns }: Call) =>
  `CNI_COMMAND=${command} CNI_CONTAINERID=${id} CNI_NETNS=${netns} ${side.program} < ${side.config}`;

function bash(side: Side, script: string): string {
  const env = { PATH: process.env["PATH"], CNI_PATH: plugins, CNI_IFNAME: "eth0", ...side.env };
  return execFileSync("nsenter", [`--net=/run/netns/${side.netns}`, "bash"], { input: script, env, encoding: "utf8" });
}

/** Milliseconds of each of some calls, one after another. */
function oneByOne(side: Side, calls: readonly Call[]): number[] {
  const answer = `${side.config}.answer`;
  const lines = calls.map(
    (call) =>
      `a=$EPOCHREALTIME; ${invoke(side, call)} > ${answer} || { cat ${answer} >&2; exit 1; }; b=$EPOCHREALTIME; echo $(( \${b/./} - \${a/./} ))`,
  );
  const out = bash(side, `${lines.join("\n")}\n`)
    .trim()
    .split("\n");
  return out.map((line) => Number(line) / 1000);
}

/** Milliseconds from the start of the first to the end of the last of calls that are started at once. */
function atOnce(side: Side, calls: readonly Call[]): number {
  const lines = calls.map((call) => `${invoke(side, call)} > /dev/null || kill -TERM $$ &`);
  const out = bash(
    side,
    `a=$EPOCHREALTIME\n${lines.join("\n")}\nwait\nb=$EPOCHREALTIME\necho $(( \${b/./} - \${a/./} ))\n`,
  );
  return Number(out.trim()) / 1000;
}

const calls = (command: string, spaces: readonly string[]): Call[] =>
  spaces.map((netns, index) => ({ command, id: `b${index}`, netns }));

function sidesOf(host: TestHost, wecni: string): { ours: Side; theirs: Side } {
  const side = (program: string, config: object): Side => {
    const file = join(host.folder, `${program.split("/").at(-1)}.conf`);
    writeFileSync(file, JSON.stringify(config));
    const env = { WECNI_SOCKET: join(host.folder, "cni.sock"), WECNI_TOMBSTONES: join(host.folder, "tombstones") };
    return { program, config: file, netns: host.hostSpace, env };
  };
  mkdirSync(join(host.folder, "host-local"));
  const range = { subnet: "10.9.1.0/24", rangeStart: "10.9.1.20", rangeEnd: "10.9.1.250", gateway: "10.9.1.254" };
  return {
    ours: side(wecni, { cniVersion: "1.0.0", name: "underlay", type: "wecni" }),
    theirs: side(join(plugins, "bridge"), {
      cniVersion: "1.0.0",
      name: "reference",
      type: "bridge",
      bridge: "br-core",
      ipam: {
        type: "host-local",
        dataDir: join(host.folder, "host-local"),
        ranges: [[range]],
        routes: [{ dst: "0.0.0.0/0" }],
      },
    }),
  };
}

async function withAgent(
  probeMs: number,
  work: (host: TestHost, wecni: string) => Promise<void> | void,
): Promise<void> {
  const wecni = await buildWecni();
  const host = await createTestHost({ wecni, config: { conflictProbe: { waitMs: probeMs, attempts: 2 } } });
  try {
    host.setPods([], ["10.9.1.20-10.9.1.250"]);
    await host.start();
    await work(host, wecni);
  } finally {
    await host.close();
  }
}

if (!existsSync(join(plugins, "host-local"))) {
  throw new Error(`the reference plugins are not in ${plugins}: apt-get install containernetworking-plugins`);
}
let addP50 = 0;
await withAgent(0, async (host, wecni) => {
  const spaces = Array.from({ length: crowd }, (_, index) => host.addSpace(`b${index}`));
  const { ours, theirs } = sidesOf(host, wecni);
  const samples = {
    ours: { ADD: [] as number[], DEL: [] as number[] },
    theirs: { ADD: [] as number[], DEL: [] as number[] },
  };
  const some = spaces.slice(0, batchSize);
  for (const side of [ours, theirs]) for (const verb of ["ADD", "DEL"]) oneByOne(side, calls(verb, some.slice(0, 10)));
  // In turns, so that what else the machine does hits both.
  for (let batch = 0; batch < batches; batch += 1) {
    for (const verb of ["ADD", "DEL"] as const) samples.theirs[verb].push(...oneByOne(theirs, calls(verb, some)));
    for (const verb of ["ADD", "DEL"] as const) samples.ours[verb].push(...oneByOne(ours, calls(verb, some)));
  }
  for (const verb of ["ADD", "DEL"] as const) {
    for (const [label, share] of [
      ["p50", 0.5],
      ["p99", 0.99],
    ] as const) {
      const [value, baseline] = [percentile(samples.ours[verb], share), percentile(samples.theirs[verb], share)];
      if (verb === "ADD" && label === "p50") addP50 = value;
      print({ name: `cni: ${verb} ${label}`, value, unit: "ms", baseline, baselineIs: reference });
    }
  }
  const crowdOf = (side: Side) => ["ADD", "DEL"].map((verb) => atOnce(side, calls(verb, spaces)));
  const [theirCrowd, ourCrowd] = [crowdOf(theirs), crowdOf(ours)];
  for (const [at, verb] of ["ADD", "DEL"].entries()) {
    const [value = 0, baseline = 0] = [ourCrowd[at], theirCrowd[at]];
    print({ name: `cni: ${crowd} ${verb}s at once`, value, unit: "ms", baseline, baselineIs: reference });
  }
});
await withAgent(30, (host, wecni) => {
  const spaces = Array.from({ length: 20 }, (_, index) => host.addSpace(`b${index}`));
  const { ours } = sidesOf(host, wecni);
  for (const verb of ["ADD", "DEL"]) oneByOne(ours, calls(verb, spaces));
  const value = percentile(oneByOne(ours, calls("ADD", spaces)), 0.5);
  print({
    name: "cni: ADD p50 with a conflict probe of 30 ms",
    value,
    unit: "ms",
    baseline: addP50,
    baselineIs: "without the probe",
  });
});
const memory = await measureAgentMemory(await buildWecni(), crowd);
const promise = { unit: "MiB", baseline: 90, baselineIs: "promised" };
print({ name: `agent: resident memory, ${crowd} pods known by the watch`, value: memory.withoutPods, ...promise });
print({ name: `agent: resident memory, ${crowd} pods added`, value: memory.withPods, ...promise });
print({ name: `agent: the same at rest, after 5 changes of each`, value: memory.atRest, ...promise });
