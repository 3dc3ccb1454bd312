// The lab's face for programs: end-to-end tests, benches, the demo.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { apiRequest } from "./cluster/api-request.ts";
import { makeFault, healFaults } from "./lifecycle/faults.ts";
import { enterArguments, requireLab } from "./lifecycle/places.ts";
import { takeDown } from "./lifecycle/down.ts";
import { bringUp } from "./lifecycle/up.ts";
import { transitPlan } from "./network/plan-fabric.ts";
import { run, runForStatus } from "./process/run.ts";
import type { LabState } from "./state/lab-state.ts";
import { withLock } from "./state/lock.ts";
import { prepare } from "./supply/prepare.ts";
import { silentProgress, type Progress } from "./supply/progress.ts";
import { LabError } from "./state/lab-error.ts";
import { hostRunDir, kubeconfigFile } from "./state/paths.ts";
import { named } from "./topology/find.ts";
import { loadTopology, topologyFile } from "./topology/load-topology.ts";

export { apiRequest };

export type { CniHost } from "./host/cni-provider.ts";
export { cniConfigDir, cniPluginDir } from "./host/host-config.ts";
export { readStatus, type LabStatus } from "./lifecycle/status.ts";
export { existingNamespaces } from "./network/build-fabric.ts";
export { LabError };
export { readState, type LabState } from "./state/lab-state.ts";
export { hostDir, hostRunDir, kubeconfigFile, netnsFile } from "./state/paths.ts";
export { lineProgress, type Progress } from "./supply/progress.ts";
export { estateOf } from "./topology/estate-of.ts";
export type { Topology } from "./topology/schema.ts";

/**
 * Brings the lab up, or repairs it. `topology`: a shipped name or a file. `cni`: the absolute path of a network plugin's
 * provider ({@link CniHost}), or "reference".
 * @throws LabError
 */
export async function up(
  topology = "two-idc",
  { cni = null, progress = silentProgress }: { cni?: string | null; progress?: Progress } = {},
): Promise<LabState> {
  const loaded = loadTopology(topologyFile(topology));
  const supplies = await prepare(progress);
  return withLock(`up ${loaded.name}`, () => bringUp({ topology: loaded, supplies, cni, progress }));
}

/** The address by which the lab's hosts reach this machine. */
export const machineAddress = () => transitPlan(requireLab().topology).root;

/** Takes the lab away, all of it. */
export const down = () => withLock("down", takeDown);

/** Sees to packages, binaries and images, so that a later `up` is quick. */
export const prepareLab = (progress: Progress = silentProgress) => prepare(progress);

/** Makes a fault: `fault("cut-host", "idc1-h1")`. @throws LabError that lists the kinds or the targets */
export const fault = (kind: string, target: string) =>
  withLock(`fault ${kind} ${target}`, () => makeFault(requireLab(), kind, target));

/** Undoes all faults, or those of one target. */
export const heal = (target: string | null = null) =>
  withLock(`fault heal ${target ?? "all"}`, () => healFaults(requireLab(), target));

/** Runs a program on a host, a VM, a control plane, a router, `outside`… and returns its standard output. */
export const execIn = (place: string, argv: readonly string[], input?: string) =>
  run("nsenter", [...enterArguments(place), "--", ...argv], input === undefined ? {} : { input });

/** The same, with the exit code instead of an error. */
export const execForStatus = (place: string, argv: readonly string[]) =>
  runForStatus("nsenter", [...enterArguments(place), "--", ...argv]);

/**
 * Runs a program of this machine in the network namespace of a pod's first container, as if the pod had it.
 * @throws LabError "not_found" when the pod has no running container
 */
export async function execInPod(cluster: string, pod: string, argv: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await execInPodForStatus(cluster, pod, argv);
  if (status !== 0) {
    throw new LabError("command_failed", `${argv.join(" ")} in ${pod}: exit ${status}\n${stderr || stdout}`);
  }
  return stdout;
}

/** The same, with the exit code instead of an error. */
export async function execInPodForStatus(cluster: string, pod: string, argv: readonly string[]) {
  const { topology } = requireLab();
  const found = JSON.parse(
    await apiRequest(
      named(topology.clusters, cluster, "cluster"),
      `/api/v1/namespaces/default/pods/${encodeURIComponent(pod)}`,
    ),
  ) as { spec: { nodeName?: string }; status: { containerStatuses?: { containerID?: string }[] } };
  const container = found.status.containerStatuses?.[0]?.containerID?.replace("containerd://", "");
  if (container === undefined || container === "" || found.spec.nodeName === undefined) {
    throw new LabError("not_found", `pod ${pod} of ${cluster} has no running container`);
  }
  const task = join(hostRunDir(found.spec.nodeName), "containerd/io.containerd.runtime.v2.task/k8s.io", container);
  const pid = readFileSync(join(task, "init.pid"), "utf8").trim();
  return runForStatus("nsenter", [`--target=${pid}`, "--net", "--", ...argv]);
}

/** kubectl of the lab's own version, as the administrator of a cluster. Returns its standard output. */
export function kubectl(cluster: string, argv: readonly string[], input?: string): Promise<string> {
  const { supplies } = requireLab();
  return run(
    `${supplies.kubernetes}/kubectl`,
    ["--kubeconfig", kubeconfigFile(cluster), ...argv],
    input === undefined ? {} : { input },
  );
}
