// The engine beside the real kube-scheduler (the lab's build, `npx wcs-lab prepare`) and first fit: one cluster of 5,000 hosts, the
// same instances, the same rules; then the same requests through the real server to its ledger. `--hosts N --instances N --without-scheduler` make it smaller.
import { performance } from "node:perf_hooks";
import { applyPlan, buildWorld, planPlacement, type Estate, type InstanceRecord } from "@wcs/core/placement";
import { createFigurePrinter, percentile } from "./figure.ts";
import { layoutOf } from "./placement-layout.ts";
import { bankEstate } from "./placement-estate.ts";
import { placeThroughServer } from "./placement-through-server.ts";
import { runScheduler, type WantedPod } from "./scheduler-cluster.ts";

const args = process.argv.slice(2);
const numberOf = (flag: string, fallback: number) => {
  const at = args.indexOf(flag);
  return at < 0 ? fallback : Number(args[at + 1]);
};
const hosts = numberOf("--hosts", 5_000);
const wantedInstances = numberOf("--instances", 5_000);
const print = createFigurePrinter(args);
const perApplication = 10;

/** One IDC and cluster of hosts with 16 cores, one pool whose only business may use all of it. */
function oneCluster(): Estate {
  const bank = bankEstate({ hosts, subsystems: wantedInstances / perApplication, dcns: 1, clusters: 4 });
  const everything = { cpuMilli: hosts * 16_000, memoryMiB: hosts * 65_536 };
  return {
    ...bank,
    clusters: bank.clusters.slice(0, 1),
    pools: [
      {
        ...bank.pools[0]!,
        cpuOvercommitPercent: 100,
        shares: [{ business: "b0", guarantee: everything, limit: everything }],
      },
    ],
    hosts: bank.hosts.map((host) => ({
      ...host,
      cluster: bank.clusters[0]!.id,
      pool: bank.pools[0]!.id,
      allocatable: { ...host.allocatable, cpuMilli: 16_000, memoryMiB: 65_536 },
      otherPods: { cpuMilli: 0, memoryMiB: 0, diskGiB: 0, ioMiBps: 0, instances: 0 },
    })),
    subsystems: bank.subsystems.map((subsystem) => ({
      id: subsystem.id,
      business: "b0",
      rules: { maxPerHost: 1, survival: [{ domain: "rack", of: "dcn", sharePercent: 50 }] },
    })),
  };
}

const estate = oneCluster();
const dcn = estate.dcns[0]!.id;
const wanted = estate.subsystems.flatMap((subsystem, n) =>
  Array.from({ length: perApplication }, (_, at): WantedPod => {
    const size = estate.classes[n % 10 === 9 ? 2 : n % 2]!.id;
    return { name: `i-${subsystem.id}-${at}`, application: subsystem.id, class: size };
  }),
);

function withEngine() {
  const world = buildWorld(estate);
  const instances: InstanceRecord[] = [];
  const started = performance.now();
  for (const subsystem of estate.subsystems) {
    const size = wanted.find(({ application }) => application === subsystem.id)!.class;
    const answer = planPlacement(world, {
      items: [{ subsystem: subsystem.id, class: size, areas: ["core"], counts: { [dcn]: perApplication } }],
    });
    if (answer.outcome === "refusal") throw new Error(answer.text.en);
    applyPlan(world, answer, (_place, at) => `i-${subsystem.id}-${at}`);
    for (const place of answer.places) {
      const of = { subsystem: subsystem.id, dcn, class: size, host: place.host };
      instances.push({ id: `i-${instances.length}`, ...of, subnets: [], lifetime: "long-term", borrowed: false });
    }
  }
  return { instances, seconds: (performance.now() - started) / 1000 };
}

/** Each instance on the first host, in the order of names, that has room and keeps the two rules. */
function withFirstFit(): InstanceRecord[] {
  const sizes = new Map(estate.classes.map((each) => [each.id, each]));
  const free = estate.hosts.map(({ allocatable }) => ({ cpu: allocatable.cpuMilli, memory: allocatable.memoryMiB }));
  const instances: InstanceRecord[] = [];
  const taken = new Map<string, number>();
  for (const { application, class: size, name } of wanted) {
    const { cpuMilli, memoryMiB } = sizes.get(size)!;
    const at = estate.hosts.findIndex(
      (host, n) =>
        free[n]!.cpu >= cpuMilli &&
        free[n]!.memory >= memoryMiB &&
        !taken.has(`${application} ${host.id}`) &&
        (taken.get(`${application} ${host.rack}`) ?? 0) < perApplication / 2,
    );
    const host = estate.hosts[at];
    if (host === undefined) throw new Error("first fit found no host");
    free[at]!.cpu -= cpuMilli;
    free[at]!.memory -= memoryMiB;
    taken.set(`${application} ${host.id}`, 1);
    taken.set(`${application} ${host.rack}`, (taken.get(`${application} ${host.rack}`) ?? 0) + 1);
    const of = { subsystem: application, dcn, class: size, host: host.id };
    instances.push({ id: name, ...of, subnets: [], lifetime: "long-term", borrowed: false });
  }
  return instances;
}

function tellLayout(who: string, instances: readonly InstanceRecord[]): void {
  const layout = layoutOf(estate, instances);
  const of = (name: string, value: number, unit: string) => print({ name: `${who}: ${name}`, value, unit });
  of("variance of CPU share over hosts", layout.hostVariance, "share²");
  of("variance of CPU share over racks", layout.rackVariance, "share²");
  of("most of one application in a rack", layout.worstInRack, "instances");
  of("most of one application on a host", layout.worstOnHost, "instances");
  of("places left for 8C16G", layout.bigPlaces, "places");
  of("stranded: 8C16G places lost to fragments", layout.bigPlacesInOnePiece - layout.bigPlaces, "places");
}

const engine = withEngine();
const engineRate = engine.instances.length / engine.seconds;
if (!args.includes("--without-scheduler")) {
  const asked = estate.subsystems.map(({ id }) => ({
    subsystem: id,
    class: wanted.find(({ application }) => application === id)!.class,
    count: perApplication,
  }));
  const scheduler = await runScheduler(estate, wanted, (plane) => placeThroughServer(plane, estate, asked));
  const rate = scheduler.instances.length / scheduler.seconds;
  print({ name: `kube-scheduler, pods waiting to all bound, ${hosts} nodes`, value: rate, unit: "instances/s" });
  print({ name: "kube-scheduler: pods left without a node", value: scheduler.unplaced, unit: "pods" });
  print({
    name: `engine, decide-only, ${hosts} hosts`,
    value: engineRate,
    unit: "instances/s",
    baseline: rate,
    baselineIs: "kube-scheduler, end to end through its API server",
  });
  const { after: server } = scheduler;
  print({
    name: `server, requests to all delivered in the ledger, ${hosts} hosts`,
    value: server.instances / server.seconds,
    unit: "instances/s",
    baseline: rate,
    baselineIs: "kube-scheduler, pods waiting to all bound",
  });
  const requestMs = [...server.requestMs];
  print({
    name: "server: a request of ten, eight clients at once, p50",
    value: percentile(requestMs, 0.5),
    unit: "ms",
  });
  print({
    name: "server: a request of ten, eight clients at once, p99",
    value: percentile(requestMs, 0.99),
    unit: "ms",
  });
  print({ name: "server: a plan of ten, one client, p50", value: percentile([...server.planMs], 0.5), unit: "ms" });
  tellLayout("kube-scheduler", scheduler.instances);
} else print({ name: `engine, decide-only, ${hosts} hosts`, value: engineRate, unit: "instances/s" });
tellLayout("engine", engine.instances);
tellLayout("first fit", withFirstFit());
