import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { startControlPlane, type Binaries } from "../cluster/control-plane.ts";
import { readNodes } from "../cluster/nodes.ts";
import { makePki } from "../cluster/pki.ts";
import { installCni, referenceProvider, type CniProvider } from "../host/cni-provider.ts";
import { mountPoints, prepareHost, startHost, startNode } from "../host/host.ts";
import { buildFabric, existingNamespaces } from "../network/build-fabric.ts";
import { refuseCollisions } from "../network/collisions.ts";
import { registryPort } from "../network/firewall.ts";
import { planFabric, registryName } from "../network/plan-fabric.ts";
import { cgroupFolders } from "../process/cgroup.ts";
import { startDaemon } from "../process/daemon.ts";
import { waitFor } from "../process/wait.ts";
import { LabError } from "../state/lab-error.ts";
import { currentBootId, readStateIfWhole, writeState, type LabState } from "../state/lab-state.ts";
import { dataDir, rootLink, runDir } from "../state/paths.ts";
import { neededSysctls, raiseSysctls } from "../state/sysctls.ts";
import { imageFiles, registryConfiguration } from "../supply/build-images.ts";
import type { Supplies } from "../supply/prepare.ts";
import type { Progress } from "../supply/progress.ts";
import { named } from "../topology/find.ts";
import type { Cluster, Topology } from "../topology/schema.ts";
import { takeDown } from "./down.ts";
import { healFaults } from "./faults.ts";

/** `cni` null: that of the lab that stands, else the reference plugins. */
export type BringUp = Readonly<{ topology: Topology; supplies: Supplies; cni: CniProvider | null; progress: Progress }>;

/**
 * Brings the lab up, or what is missing of it. The caller holds the lock and has the supplies.
 * @throws LabError "busy" when another topology is up.
 */
export async function bringUp({ topology, supplies, cni, progress }: BringUp): Promise<LabState> {
  const before = readStateIfWhole();
  const stands = before !== null && before.phase === "up" && before.bootId === currentBootId();
  if (stands && !isDeepStrictEqual(before.topology, topology)) {
    throw new LabError(
      "busy",
      `topology ${before.topology.name} is up, and differs from the one asked for. First: wcs-lab down`,
    );
  }
  if (stands && cni !== null && before.cni !== cni) {
    throw new LabError("busy", `the lab is up with the network plugin ${before.cni}, not ${cni}. First: wcs-lab down`);
  }
  const plan = planFabric(topology);
  const whole = stands && plan.namespaces.every((name) => existingNamespaces().includes(name)) && rootLinkExists();
  if (!whole) {
    await refuseCollisions(topology);
    if (before !== null || leftovers()) {
      const done = progress.step("clearing what an earlier, unfinished lab left");
      await takeDown();
      done();
    }
  }
  const started = performance.now();
  let state = whole ? before : await buildGround({ topology, supplies, cni, progress });
  if (state.faults.length > 0) {
    const done = progress.step(`healing faults: ${state.faults.join("; ")}`);
    state = await healFaults(state, null);
    done();
  }
  await startRegistryAndVms(topology, state.supplies);
  const binaries: Binaries = { kubernetes: state.supplies.kubernetes, etcd: state.supplies.etcd };
  const done = progress.step(`clusters: ${topology.clusters.map((cluster) => cluster.name).join(", ")}`);
  await all(
    topology.clusters.map((cluster) => startCluster({ topology, cluster, binaries, cni: state.cni, fresh: !whole })),
  );
  done();
  if (!whole) {
    state = { ...state, phase: "up", readySeconds: (performance.now() - started) / 1000 };
    writeState(state);
  }
  return state;
}

/** Notes what will be made on the machine, then makes it: folders, limits, the network. */
async function buildGround({ topology, supplies, cni, progress }: BringUp): Promise<LabState> {
  const plan = planFabric(topology);
  const sysctls = neededSysctls({ hosts: topology.hosts.length, clusters: topology.clusters.length });
  const state: LabState = {
    phase: "building",
    bootId: currentBootId(),
    topology,
    supplies,
    cni: cni ?? referenceProvider,
    madeFolders: missingFolders(),
    netnsMountMade: !isMountPoint("/run/netns"),
    raisedSysctls: sysctls,
    startedAt: new Date().toISOString(),
    readySeconds: null,
    faults: [],
  };
  writeState(state);
  raiseSysctls(sysctls);
  for (const folder of mountPoints) mkdirSync(folder, { recursive: true });
  const done = progress.step("network: namespaces, racks, firewalls");
  await buildFabric(plan, topology);
  done(`${plan.namespaces.length} namespaces, ${plan.links.length} links`);
  return state;
}

type ClusterStart = Readonly<{
  topology: Topology;
  cluster: Cluster;
  binaries: Binaries;
  cni: CniProvider;
  fresh: boolean;
}>;

async function startCluster({ topology, cluster, binaries, cni, fresh }: ClusterStart): Promise<void> {
  if (fresh) await makePki(topology, cluster);
  const hosts = cluster.hosts.map((name) => named(topology.hosts, name, "host"));
  const controlPlane = startControlPlane(cluster, binaries);
  const started = hosts.map(async (host) => {
    if (fresh) prepareHost(topology, host, cluster.name);
    await startHost(host);
    await controlPlane;
    if (fresh) await installCni(cni, { topology, host, cluster: cluster.name });
    await startNode(topology, host, cluster.name, binaries);
  });
  await all([controlPlane, ...started]);
  await waitForNodes(cluster);
}

async function waitForNodes(cluster: Cluster): Promise<void> {
  let missing: string[] = [];
  await waitFor(
    async () => {
      const nodes = await readNodes(cluster);
      missing = cluster.hosts.filter((host) => nodes.get(host) !== true);
      return missing.length === 0;
    },
    {
      what: `nodes of ${cluster.name}`,
      timeoutMs: 90_000,
      intervalMs: 250,
      why: () => `not Ready: ${missing.join(", ")}. Look at: wcs-lab logs ${missing[0]}/kubelet`,
    },
  );
}

async function startRegistryAndVms(topology: Topology, supplies: Supplies): Promise<void> {
  const files = imageFiles(supplies.images);
  const folder = join(dataDir, "registry");
  const storage = join(folder, "storage");
  if (!existsSync(storage)) cpSync(files.registryStorage, storage, { recursive: true });
  const config = join(folder, "registry.yaml");
  writeFileSync(config, registryConfiguration(storage, `0.0.0.0:${registryPort}`));
  await startDaemon({
    name: `${registryName}/docker-registry`,
    netns: registryName,
    argv: ["docker-registry", "serve", config],
    logFile: join(folder, "docker-registry.log"),
  });
  await all(
    topology.vms.map((vm) =>
      startDaemon({
        name: `${vm.name}/service`,
        netns: vm.name,
        argv: [...vmLauncher, vm.name, files.demoProgram],
        logFile: join(dataDir, "vms", vm.name, "service.log"),
        env: { PORT: "8080" },
      }),
    ),
  );
}

function missingFolders(): string[] {
  const missing = new Set<string>();
  for (const folder of mountPoints) {
    for (let path = folder; path !== "/" && !existsSync(path); path = dirname(path)) missing.add(path);
  }
  return [...missing].sort((a, b) => a.length - b.length);
}

const isMountPoint = (path: string) =>
  readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .some((line) => line.split(" ")[4] === path);

/** A VM has its own host name, as its own namespace. */
const vmLauncher = [
  ...(["unshare", "--uts", "sh", "-c"] as const),
  'echo "$1" > /proc/sys/kernel/hostname && exec "$2"',
  "sh",
] as const;

const rootLinkExists = () => existsSync(`/sys/class/net/${rootLink}`);

/** Anything at all of an earlier lab, even one that was killed in the middle of its own clearing. */
const leftovers = () =>
  existingNamespaces().length > 0 ||
  rootLinkExists() ||
  existsSync(dataDir) ||
  existsSync(runDir) ||
  cgroupFolders("").length > 0;

/** Waits for all to end, well or not, then throws the first error: nothing goes on behind a failed `up`. */
async function all(work: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
