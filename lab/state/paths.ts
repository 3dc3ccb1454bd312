import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";

/** What is gone with a reboot: state, pids, sockets. */
export const runDir = "/run/wcs-lab";
/** Data of the lab that is up: keys, etcd, hosts' disks, logs. `down` removes it. */
export const dataDir = "/var/lib/wcs-lab";
/** The `lab` folder of this checkout. */
export const labDir = fileURLToPath(new URL("..", import.meta.url));

/** Binaries and images, kept between labs, keyed by what they are made of. */
export function cacheDir(): string {
  // the XDG Base Directory Specification: a relative path is invalid and is ignored
  const named = process.env["XDG_CACHE_HOME"] ?? "";
  return join(isAbsolute(named) ? named : join(homedir(), ".cache"), "wcs");
}

/** Every namespace of the lab has this prefix in `ip netns`. */
export const netnsPrefix = "wcs-lab-";
/** The only interface that the lab puts into the machine's own network namespace. */
export const rootLink = "wcs-lab0";
/** The lab's cgroup in every hierarchy. */
export const cgroupRoot = "wcs-lab";

/** The file by which a namespace of the lab is entered. */
export const netnsFile = (name: string) => `/run/netns/${netnsPrefix}${name}`;

/** A host's disk: what is bound to /var/lib/kubelet, /var/log and so on in the host's mount namespace. */
export const hostDir = (host: string) => join(dataDir, "hosts", host);
/** A host's /run: sockets of its containerd. */
export const hostRunDir = (host: string) => join(runDir, "hosts", host);
export const clusterDir = (cluster: string) => join(dataDir, "clusters", cluster);
export const clusterPkiDir = (cluster: string) => join(clusterDir(cluster), "pki");
/** The administrator's kubeconfig of a cluster. */
export const kubeconfigFile = (cluster: string) => join(clusterDir(cluster), "admin.kubeconfig");
