import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:net";
import { identityFiles, nodeIdentity } from "../cluster/pki.ts";
import type { Binaries } from "../cluster/control-plane.ts";
import { makeCgroup } from "../process/cgroup.ts";
import { assertRunning, daemonProcess, killAllIn, startDaemon, type Daemon } from "../process/daemon.ts";
import { waitFor } from "../process/wait.ts";
import { hostDir, hostRunDir, labDir } from "../state/paths.ts";
import { nodeAddress } from "../topology/find.ts";
import type { Host, Topology } from "../topology/schema.ts";
import { parseMemoryMiB, writeCapacity } from "./capacity.ts";
import { cniDaemon } from "./cni-provider.ts";
import { containerdConfig, kubeletConfig, nodeLabels, registryConfig, registryHost } from "./host-config.ts";

/** Folders of a host that lie on its own disk; each is bound over the machine's own in the host's mount namespace. */
const diskFolders = [
  "etc/cni",
  "etc/containerd",
  "opt/cni",
  "var/lib/cni",
  "var/lib/kubelet",
  "var/lib/containerd",
  "var/log",
];
/** What has to exist on the machine for that. */
export const mountPoints = ["/run/containerd", ...diskFolders.map((folder) => `/${folder}`)];

/** Writes all that a host finds on its disk. */
export function prepareHost(topology: Topology, host: Host, cluster: string): void {
  const disk = hostDir(host.name);
  for (const folder of [...diskFolders, "etc/cni/net.d", "opt/cni/bin"]) {
    mkdirSync(join(disk, folder), { recursive: true });
  }
  mkdirSync(join(disk, "etc/containerd/certs.d", registryHost), { recursive: true });
  writeFileSync(join(disk, "etc/containerd/certs.d", registryHost, "hosts.toml"), registryConfig(topology));
  writeFileSync(join(disk, "etc/containerd/config.toml"), containerdConfig());
  writeFileSync(join(disk, "kubelet.yaml"), kubeletConfig(host, cluster));
  writeCapacity(join(disk, "capacity"), { cpu: host.cpu, memoryMiB: parseMemoryMiB(host.memory) });
  makeCgroup(`${host.name}/pods`);
}

const initName = (host: string) => `${host}/init`;
const logFile = (host: string, program: string) => join(hostDir(host), "var/log", `${program}.log`);

/** The process that keeps a host's namespaces, or null when the host is off. */
export const hostProcess = (host: string) => daemonProcess(initName(host));

/** Starts a host that is off, as far as its containerd. Its disk is as it was; its /run is empty, as after any start. */
export async function startHost(host: Host): Promise<void> {
  const runFolder = hostRunDir(host.name);
  if (hostProcess(host.name) === null) {
    await killAllIn(host.name); // what may have outlived its first process can't be reached any more
    rmSync(runFolder, { recursive: true, force: true });
    mkdirSync(join(runFolder, "containerd"), { recursive: true });
  }
  const init: Daemon = {
    name: initName(host.name),
    netns: host.name,
    argv: [
      ...(["unshare", "--mount", "--uts", "--propagation", "private"] as const),
      "sh",
      join(labDir, "host/host-init.sh"),
      hostDir(host.name),
      runFolder,
      host.name,
    ],
    logFile: logFile(host.name, "init"),
  };
  await startDaemon(init);
  await waitFor(
    () => {
      assertRunning(init);
      return existsSync(join(runFolder, "ready"));
    },
    { what: `start of host ${host.name}`, timeoutMs: 20_000, intervalMs: 10 },
  );
  const containerd = containerdDaemon(host.name);
  await startDaemon(containerd);
  const socket = join(runFolder, "containerd/containerd.sock");
  await waitFor(
    () => {
      assertRunning(containerd);
      return canConnect(socket);
    },
    { what: `containerd of ${host.name}`, timeoutMs: 60_000, intervalMs: 50 },
  );
}

function containerdDaemon(host: string): Daemon {
  return {
    name: `${host}/containerd`,
    netns: host,
    ...insideOf(host),
    argv: ["containerd", "--log-level", "info"],
    logFile: logFile(host, "containerd"),
  };
}

/** Starts what makes a started host a node: the network plugin's own program, if it has one, and kubelet. */
export async function startNode(topology: Topology, host: Host, cluster: string, binaries: Binaries): Promise<void> {
  const plugin = cniDaemon(host.name, insideOf(host.name).inside);
  if (plugin !== null) await startDaemon(plugin);
  await startDaemon({
    name: `${host.name}/kubelet`,
    netns: host.name,
    ...insideOf(host.name),
    argv: [
      join(binaries.kubernetes, "kubelet"),
      `--config=${join(hostDir(host.name), "kubelet.yaml")}`,
      `--kubeconfig=${identityFiles(cluster, nodeIdentity(host.name)).kubeconfig}`,
      `--hostname-override=${host.name}`,
      `--node-ip=${nodeAddress(host)}`,
      `--node-labels=${nodeLabels(topology, host)}`,
      "--root-dir=/var/lib/kubelet",
      "--cert-dir=/var/lib/kubelet/pki",
      "--housekeeping-interval=30s",
    ],
    logFile: logFile(host.name, "kubelet"),
    // a cut cable leaves dead connections behind; the defaults (30 s and 15 s) make healing slow to show
    env: { HTTP2_READ_IDLE_TIMEOUT_SECONDS: "8", HTTP2_PING_TIMEOUT_SECONDS: "4" },
  });
}

/** The arguments by which nsenter enters a host that is on. */
const insideOf = (host: string) => {
  const inside = hostProcess(host);
  return inside === null ? {} : { inside };
};

function canConnect(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket, () => {
      connection.destroy();
      resolve(true);
    });
    connection.on("error", () => resolve(false));
  });
}
