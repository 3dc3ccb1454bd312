import { LabError } from "../state/lab-error.ts";
import type { Area, Cluster, Host, Idc, Rack, Topology } from "./schema.ts";

/** @throws LabError "not_found" that lists the names that there are. */
export function named<T extends { name: string }>(items: readonly T[], name: string, what: string): T {
  const item = items.find((candidate) => candidate.name === name);
  if (item !== undefined) return item;
  throw new LabError(
    "not_found",
    `there is no ${what} "${name}". There are: ${items.map((each) => each.name).join(", ")}`,
  );
}

export const rackOf = (topology: Topology, machine: { rack?: string }): Rack =>
  named(topology.racks, machine.rack ?? "", "rack");
export const idcOf = (topology: Topology, rack: Rack): Idc => named(topology.idcs, rack.idc, "IDC");

/** The subnet of a rack in an area. */
export function subnetOf(rack: Rack, area: string): Rack["subnets"][number] {
  const subnet = rack.subnets.find((candidate) => candidate.area === area);
  if (subnet === undefined) throw new LabError("bad_topology", `rack ${rack.name} has no subnet in area ${area}`);
  return subnet;
}

/** The areas that a host serves with its address in each; the first is the node's own. */
export const addressesOf = (host: Host) => Object.entries(host.addresses) as [Area, string][];
/** The address by which the host's kubelet is known. */
export function nodeAddress(host: Host): string {
  const [first] = addressesOf(host);
  if (first === undefined) throw new LabError("bad_topology", `host ${host.name} has no address`);
  return first[1];
}
/** The areas that have a subnet somewhere, `core` first. */
export function areasOf(topology: Topology): Area[] {
  const used = new Set(topology.racks.flatMap((rack) => rack.subnets.map((subnet) => subnet.area)));
  return (["core", "dmz", "ecn"] as const).filter((area) => area === "core" || used.has(area));
}

/** The cluster that a host belongs to. */
export function clusterOf(topology: Topology, host: string): Cluster {
  const cluster = topology.clusters.find((candidate) => candidate.hosts.includes(host));
  if (cluster === undefined) throw new LabError("not_found", `host ${host} is in no cluster`);
  return cluster;
}
