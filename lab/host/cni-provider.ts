import { existsSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { identityFiles, nodeIdentity } from "../cluster/pki.ts";
import { transitPlan } from "../network/plan-fabric.ts";
import type { Daemon } from "../process/daemon.ts";
import { run } from "../process/run.ts";
import { LabError } from "../state/lab-error.ts";
import { hostDir, hostRunDir, kubeconfigFile, labDir, netnsFile } from "../state/paths.ts";
import { addressesOf, rackOf, subnetOf } from "../topology/find.ts";
import type { Host, Topology } from "../topology/schema.ts";
import { cniConfigDir, cniPluginDir, dynamicShare, referenceCniConfig } from "./host-config.ts";

/** Who connects pods: the reference plugins, or the absolute path of a program that puts others in (see {@link CniHost}). */
export type CniProvider = string;
export const referenceProvider: CniProvider = "reference";

/**
 * What a provider is told of a host: one JSON object on the standard input of `PROGRAM install`, once for each new host.
 * It runs on the machine as root, writes into `cniConfigDir` and `cniPluginDir`, and may print `{"daemon": ["/program", "argument"]}`:
 * a program that the lab then runs inside the host before kubelet, again whenever it ends, and after every restart of the host. Paths are
 * the machine's; the host sees the first two as /etc/cni/net.d and /opt/cni/bin, and all others as they are.
 */
export type CniHost = Readonly<{
  host: string;
  cluster: string;
  rack: string;
  idc: string;
  netns: string;
  /** A folder that lasts as long as the lab, and one that is emptied when the host restarts. */
  disk: string;
  run: string;
  cniConfigDir: string;
  cniPluginDir: string;
  /** By which the hosts reach this machine: a platform's server may listen there. */
  machine: string;
  /** The node's own identity, and the administrator's. */
  nodeKubeconfig: string;
  adminKubeconfig: string;
  areas: readonly Readonly<{
    area: string;
    bridge: string;
    uplink: string;
    address: string;
    cidr: string;
    gateway: string;
    /** The host's part of the rack's dynamic range. */
    dynamic: Readonly<{ first: string; last: string }>;
  }>[];
}>;

const referencePlugins = "/usr/lib/cni";
const daemonFile = (host: string) => join(hostDir(host), "cni-daemon.json");

/** Puts a network plugin into a host that is on. @throws LabError when the provider fails or answers nonsense */
export async function installCni(
  provider: CniProvider,
  { topology, host, cluster }: { topology: Topology; host: Host; cluster: string },
): Promise<void> {
  const facts = describeHost(topology, host, cluster);
  // containerd itself wants `loopback`, whoever connects the pods
  for (const plugin of provider === referenceProvider ? readdirSync(referencePlugins) : ["loopback"]) {
    const link = join(facts.cniPluginDir, plugin);
    if (!existsSync(link)) symlinkSync(join(referencePlugins, plugin), link);
  }
  if (provider === referenceProvider) {
    writeFileSync(join(facts.cniConfigDir, "10-underlay.conflist"), referenceCniConfig(topology, host));
    return;
  }
  const answer = await run(provider, ["install"], { input: JSON.stringify(facts) });
  const argv = daemonOf(answer);
  if (argv === null) {
    throw new LabError(
      "command_failed",
      `${provider} install: answered ${answer.slice(0, 200)}, not {"daemon": ["/program"]} or {}`,
    );
  }
  writeFileSync(daemonFile(host.name), JSON.stringify(argv));
}

/** The argv in a provider's answer, empty when it wants no daemon; null when the answer is none. */
export function daemonOf(answer: string): string[] | null {
  let value: unknown;
  try {
    value = JSON.parse(answer.trim() || "{}");
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const daemon: unknown = "daemon" in value ? value.daemon : [];
  return Array.isArray(daemon) && daemon.every((part) => typeof part === "string") ? daemon : null;
}

/** The provider's program for a host that is on, or null when it has none; it is started again whenever it ends. */
export function cniDaemon(host: string, inside: Daemon["inside"]): Daemon | null {
  if (!existsSync(daemonFile(host))) return null;
  const [program, ...args] = JSON.parse(readFileSync(daemonFile(host), "utf8")) as string[];
  if (program === undefined) return null;
  return {
    name: `${host}/cni`,
    netns: host,
    ...(inside === undefined ? {} : { inside }),
    argv: ["sh", join(labDir, "process/keep.sh"), program, ...args],
    logFile: join(hostDir(host), "var/log/cni.log"),
  };
}

function describeHost(topology: Topology, host: Host, cluster: string): CniHost {
  const rack = rackOf(topology, host);
  const disk = hostDir(host.name);
  return {
    host: host.name,
    cluster,
    rack: rack.name,
    idc: rack.idc,
    netns: netnsFile(host.name),
    disk,
    run: hostRunDir(host.name),
    cniConfigDir: cniConfigDir(disk),
    cniPluginDir: cniPluginDir(disk),
    machine: transitPlan(topology).root,
    nodeKubeconfig: identityFiles(cluster, nodeIdentity(host.name)).kubeconfig,
    adminKubeconfig: kubeconfigFile(cluster),
    areas: addressesOf(host).map(([area, address]) => {
      const { cidr, gateway } = subnetOf(rack, area);
      return {
        area,
        bridge: `br-${area}`,
        uplink: `up-${area}`,
        address,
        cidr,
        gateway,
        dynamic: dynamicShare(topology, host, area),
      };
    }),
  };
}
