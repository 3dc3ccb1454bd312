import { join } from "node:path";
import { stringify } from "yaml";
import { authorityFile, identityFiles, nodeIdentity } from "../cluster/pki.ts";
import { registryPort } from "../network/firewall.ts";
import { addressesOf, rackOf, subnetOf } from "../topology/find.ts";
import { formatAddress, parseRange } from "../topology/ipv4.ts";
import type { Host, Topology } from "../topology/schema.ts";

/** The name by which every host's containerd knows the lab's registry; it is a name to containerd only. */
export const registryHost = "registry.lab.wcs";

/** A host's containerd configuration. Paths are those inside the host. */
export const containerdConfig = () => `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
# the first would make /opt/containerd; the rest are file systems that the lab has no use for
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.native", "io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
# machines without CAP_SYS_RESOURCE may not lower a process's OOM score: without this every sandbox fails there
restrict_oom_score_adj = true
sandbox_image = "${registryHost}/pause:1"
max_concurrent_downloads = 3
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/opt/cni/bin"
conf_dir = "/etc/cni/net.d"
[plugins."io.containerd.grpc.v1.cri".registry]
config_path = "/etc/containerd/certs.d"
`;

/** What `${registryHost}` means to containerd: hosts.toml, containerd 1.5 and later. */
export const registryConfig = (topology: Topology) => `server = "http://${topology.registry.address}:${registryPort}"
[host."http://${topology.registry.address}:${registryPort}"]
capabilities = ["pull", "resolve"]
`;

/** A host's kubelet configuration (kubelet.config.k8s.io/v1beta1). Paths of keys are the machine's, which the host shares. */
export function kubeletConfig(host: Host, cluster: string): string {
  const files = identityFiles(cluster, nodeIdentity(host.name));
  return stringify({
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    failCgroupV1: false,
    cgroupDriver: "cgroupfs",
    cgroupRoot: `/wcs-lab/${host.name}/pods`,
    containerRuntimeEndpoint: "unix:///run/containerd/containerd.sock",
    authentication: {
      x509: { clientCAFile: authorityFile(cluster) },
      anonymous: { enabled: false },
      webhook: { enabled: true, cacheTTL: "2m0s" },
    },
    authorization: { mode: "Webhook" },
    tlsCertFile: files.certificate,
    tlsPrivateKeyFile: files.key,
    // no cluster DNS in the lab: a pod's resolver is the host's, which is none
    resolvConf: "",
    failSwapOn: false,
    // there is no kube-proxy, so nobody reads these chains
    makeIPTablesUtilChains: false,
    // the machine's memory is not the host's (see capacity.ts), so kubelet can't judge it; its disk it can
    evictionHard: { "memory.available": "0%", "nodefs.available": "1%", "imagefs.available": "1%" },
    imageGCHighThresholdPercent: 100,
    enforceNodeAllocatable: ["pods"],
    serializeImagePulls: false,
    nodeLeaseDurationSeconds: 12,
    shutdownGracePeriod: "0s",
    enableProfilingHandler: false,
  });
}

/** Labels that kubelet puts on its node; NodeRestriction lets it set these. `wcs.io/` is for WCS alone to write. */
export function nodeLabels(topology: Topology, host: Host): string {
  const rack = rackOf(topology, host);
  const idc = topology.idcs.find((candidate) => candidate.name === rack.idc);
  const labels = {
    "topology.kubernetes.io/region": idc?.city ?? "",
    "topology.kubernetes.io/zone": rack.idc,
    "wcs-lab/rack": rack.name,
    ...Object.fromEntries(addressesOf(host).map(([area]) => [`wcs-lab/area-${area}`, "true"])),
  };
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
}

/** The reference CNI plugins on one host: bridge and host-local, on the subnet of the node's own area. */
export function referenceCniConfig(topology: Topology, host: Host): string {
  const [[area] = ["core"]] = addressesOf(host);
  const subnet = subnetOf(rackOf(topology, host), area);
  const share = dynamicShare(topology, host, area);
  return `${JSON.stringify(
    {
      cniVersion: "1.0.0",
      name: "underlay",
      plugins: [
        {
          type: "bridge",
          bridge: `br-${area}`,
          isGateway: false,
          ipMasq: false,
          ipam: {
            type: "host-local",
            dataDir: "/var/lib/cni/networks",
            ranges: [[{ subnet: subnet.cidr, rangeStart: share.first, rangeEnd: share.last, gateway: subnet.gateway }]],
            routes: [{ dst: "0.0.0.0/0" }],
          },
        },
      ],
    },
    null,
    2,
  )}\n`;
}

/**
 * A host's part of its rack's dynamic range: host-local knows of its own host only, so the hosts of a rack share the
 * range out evenly, in the order of the topology.
 */
export function dynamicShare(topology: Topology, host: Host, area: string): { first: string; last: string } {
  const neighbours = topology.hosts.filter((other) => other.rack === host.rack && area in other.addresses);
  const range = parseRange(subnetOf(rackOf(topology, host), area).dynamic);
  if (range === null) throw new RangeError(`rack ${host.rack}: no dynamic range`);
  const size = Math.floor((range.last - range.first + 1) / neighbours.length);
  const first = range.first + size * neighbours.findIndex((other) => other.name === host.name);
  return { first: formatAddress(first), last: formatAddress(first + size - 1) };
}

/** Folder of a host's CNI configuration on the machine; the host sees it as /etc/cni/net.d. */
export const cniConfigDir = (hostFolder: string) => join(hostFolder, "etc/cni/net.d");
/** Folder of a host's CNI plugins on the machine; the host sees it as /opt/cni/bin. */
export const cniPluginDir = (hostFolder: string) => join(hostFolder, "opt/cni/bin");
