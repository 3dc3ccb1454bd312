import { readNodes } from "../cluster/nodes.ts";
import { hostProcess } from "../host/host.ts";
import { daemonProcess, startedDaemons } from "../process/daemon.ts";
import { kubeconfigFile } from "../state/paths.ts";
import { readState } from "../state/lab-state.ts";
import { lockHolder, type LockHolder } from "../state/lock.ts";
import { measure, type Figures } from "./figures.ts";

/** `wcs-lab status -o json`. Fields are added, never renamed or removed, while `version` stays 1. */
export type LabStatus = Readonly<{
  version: 1;
  phase: "down" | "building" | "up";
  topology: string | null;
  startedAt: string | null;
  /** From the first namespace to the last node Ready, seconds. */
  readySeconds: number | null;
  figures: Figures | null;
  /** Folder of kubectl and the other programs of Kubernetes. */
  programs: string | null;
  clusters: readonly ClusterStatus[];
  vms: readonly Readonly<{ name: string; rack: string; area: string; address: string; running: boolean }>[];
  registry: Readonly<{ address: string; running: boolean }> | null;
  faults: readonly string[];
  /** Programs that were started and have ended by themselves or by a fault. */
  stopped: readonly string[];
  lock: LockHolder | null;
}>;
export type ClusterStatus = Readonly<{
  name: string;
  idc: string;
  address: string;
  apiReachable: boolean;
  kubeconfig: string;
  hosts: readonly Readonly<{
    name: string;
    rack: string;
    addresses: Readonly<Record<string, string>>;
    on: boolean;
    ready: boolean;
  }>[];
}>;

/** What is up and how it is. `sampleMs`: how long to watch the CPU for; 0 leaves the figures out. */
export async function readStatus({ sampleMs }: { sampleMs: number }): Promise<LabStatus> {
  const state = readState();
  const lock = await lockHolder();
  if (state === null) {
    return {
      version: 1,
      phase: "down",
      topology: null,
      startedAt: null,
      readySeconds: null,
      figures: null,
      programs: null,
      clusters: [],
      vms: [],
      registry: null,
      faults: [],
      stopped: [],
      lock,
    };
  }
  const { topology } = state;
  const [figures, ...clusters] = await Promise.all([
    sampleMs > 0 ? measure(sampleMs) : null,
    ...topology.clusters.map(async (cluster): Promise<ClusterStatus> => {
      const nodes = await readNodes(cluster, 3000).catch(() => null); // not reachable: that is what is reported
      return {
        name: cluster.name,
        idc: cluster.idc,
        address: cluster.address,
        apiReachable: nodes !== null,
        kubeconfig: kubeconfigFile(cluster.name),
        hosts: topology.hosts
          .filter((host) => cluster.hosts.includes(host.name))
          .map((host) => ({
            name: host.name,
            rack: host.rack ?? "",
            addresses: host.addresses,
            on: hostProcess(host.name) !== null,
            ready: nodes?.get(host.name) ?? false,
          })),
      };
    }),
  ]);
  return {
    version: 1,
    phase: state.phase,
    topology: topology.name,
    startedAt: state.startedAt,
    readySeconds: state.readySeconds,
    figures,
    programs: state.supplies.kubernetes,
    clusters,
    vms: topology.vms.map((vm) => ({
      name: vm.name,
      rack: vm.rack ?? "",
      area: vm.area,
      address: vm.address,
      running: daemonProcess(`${vm.name}/service`) !== null,
    })),
    registry: { address: topology.registry.address, running: daemonProcess("registry/docker-registry") !== null },
    faults: state.faults,
    stopped: startedDaemons().filter((name) => daemonProcess(name) === null),
    lock,
  };
}
