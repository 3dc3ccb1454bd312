import { addressesOf, areasOf } from "../topology/find.ts";
import type { Topology } from "../topology/schema.ts";
import { serviceAddress, transitPlan } from "./plan-fabric.ts";

/** The port of every control plane, of its service address and of the kubelets. */
export const apiPort = 443;
export const kubeletPort = 10250;
export const registryPort = 5000;
/** Where a platform on this machine may listen for its agents on the hosts. */
const agentPort = 8443;

/**
 * The rules of an IDC's firewall, as `nft -f` takes them. Interfaces are named after the areas; what is not allowed is
 * dropped and counted.
 */
export function firewallRules(topology: Topology): string {
  const outer = areasOf(topology).filter((area) => area !== "core");
  const outerHosts = topology.hosts.flatMap((host) =>
    addressesOf(host)
      .filter(([area]) => area !== "core")
      .map(([, address]) => address),
  );
  const controlPlanes = topology.clusters.map((cluster) => cluster.address);
  const services = topology.clusters.map((cluster) => serviceAddress(cluster.services));
  const set = (items: readonly (string | number)[]) => `{ ${items.join(", ")} }`;
  const lines = [
    "ct state established,related accept",
    `iifname "core" ip saddr ${transitPlan(topology).root} accept comment "this machine manages the lab"`,
  ];
  if (outer.length > 0 && outerHosts.length > 0) {
    lines.push(
      `iifname "core" ip saddr ${set(controlPlanes)} ip daddr ${set(outerHosts)} tcp dport ${kubeletPort} accept comment "control planes to kubelets"`,
      `oifname "core" ip saddr ${set(outerHosts)} ip daddr ${topology.registry.address} tcp dport ${registryPort} accept comment "hosts to the registry"`,
      `oifname "core" ip saddr ${set(outerHosts)} ip daddr ${transitPlan(topology).root} tcp dport ${agentPort} accept comment "agents to the platform on this machine"`,
    );
  }
  if (outer.length > 0) {
    lines.push(
      `iifname ${set(outer.map((area) => `"${area}"`))} oifname "core" ip daddr ${set([...controlPlanes, ...services])} tcp dport ${apiPort} accept comment "kubelets and pods to control planes"`,
    );
  }
  for (const rule of topology.firewall) {
    lines.push(
      `iifname "${rule.from}" oifname "${rule.to}" ${rule.protocol} dport ${set(rule.ports)} accept comment "${rule.why.replaceAll(/["\\\n]/g, "")}"`,
    );
  }
  return `flush ruleset
table inet firewall {
  chain forward {
    type filter hook forward priority filter; policy drop;
${lines.map((line) => `    ${line.replace(" accept", " counter accept")}`).join("\n")}
    counter comment "dropped"
  }
  chain input {
    type filter hook input priority filter; policy drop;
    iifname "lo" accept
    ct state established,related accept
    icmp type { echo-request, destination-unreachable, time-exceeded } accept
  }
}
`;
}
