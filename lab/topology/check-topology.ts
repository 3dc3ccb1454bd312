import { checkAddresses, networksOf } from "./check-addresses.ts";
import { overlaps } from "./ipv4.ts";
import type { YamlPath } from "./load-topology.ts";
import type { Topology } from "./schema.ts";

/** Something that is wrong, and where. */
export type CheckFault = Readonly<{ path: YamlPath; reason: string }>;

/** Interfaces and namespaces of the lab's own that nothing else may be named after. */
const reservedNames = ["lo", "wan", "outside", "registry", "core", "dmz", "ecn", "fw", "mgmt", "inet", "root"];

/** What a schema can't say: references, names, networks, addresses. All faults at once. Pure. */
export function checkTopology(topology: Topology): CheckFault[] {
  return [
    ...checkNames(topology),
    ...checkReferences(topology),
    ...checkClusterHosts(topology),
    ...checkNetworks(topology),
    ...checkAddresses(topology),
  ];
}

/** Racks, hosts, VMs and clusters name interfaces in the same namespaces, and namespaces beside each other. */
function checkNames(topology: Topology): CheckFault[] {
  const faults: CheckFault[] = [];
  const taken = new Map<string, string>(reservedNames.map((name) => [name, "a name of the lab's own"]));
  for (const idc of topology.idcs) {
    for (const suffix of ["core", "dmz", "ecn", "fw"]) {
      taken.set(`${idc.name}-${suffix}`, `a namespace of IDC ${idc.name}`);
    }
  }
  for (const kind of ["idcs", "racks", "hosts", "vms", "clusters"] as const) {
    for (const [index, item] of topology[kind].entries()) {
      const other = taken.get(item.name);
      if (other !== undefined) {
        faults.push({ path: [kind, index, "name"], reason: `"${item.name}" is already ${other}` });
      } else taken.set(item.name, `${kind}.${index}`);
    }
  }
  const cities = new Set<string>();
  for (const [index, city] of topology.cities.entries()) {
    if (cities.has(city.name)) {
      faults.push({ path: ["cities", index, "name"], reason: `"${city.name}" is there twice` });
    }
    cities.add(city.name);
  }
  return faults;
}

function checkReferences(topology: Topology): CheckFault[] {
  const faults: CheckFault[] = [];
  const refer = (path: YamlPath, name: string, kind: "cities" | "idcs" | "racks") => {
    const known = topology[kind].map((item) => item.name);
    if (!known.includes(name)) {
      const what = { cities: "city", idcs: "IDC", racks: "rack" }[kind];
      faults.push({ path, reason: `there is no ${what} "${name}"; there are: ${known.join(", ")}` });
    }
  };
  topology.idcs.forEach((idc, index) => refer(["idcs", index, "city"], idc.city, "cities"));
  topology.racks.forEach((rack, index) => refer(["racks", index, "idc"], rack.idc, "idcs"));
  topology.clusters.forEach((cluster, index) => refer(["clusters", index, "idc"], cluster.idc, "idcs"));
  refer(["registry", "idc"], topology.registry.idc, "idcs");
  for (const kind of ["hosts", "vms"] as const) {
    for (const [index, machine] of topology[kind].entries()) {
      if (machine.rack === undefined) {
        faults.push({ path: [kind, index], reason: `${machine.name} has no rack; add "rack: NAME"` });
      } else refer([kind, index, "rack"], machine.rack, "racks");
    }
  }
  const written = (kind: string) =>
    (topology.estate ?? []).filter((each) => each.kind === kind).map((each) => each.name);
  const referWritten = (path: YamlPath, name: string | undefined, kind: string) => {
    const known = written(kind);
    if (name === undefined || topology.estate === undefined || known.includes(name)) return;
    faults.push({
      path,
      reason: `there is no ${kind} "${name}" under estate; there are: ${known.join(", ") || "none"}`,
    });
  };
  topology.clusters.forEach((each, index) =>
    referWritten(["clusters", index, "environment"], each.environment, "Environment"),
  );
  topology.hosts.forEach((each, index) => referWritten(["hosts", index, "pool"], each.pool, "Pool"));
  topology.vms.forEach((each, index) => {
    referWritten(["vms", index, "subsystem"], each.subsystem, "Subsystem");
    referWritten(["vms", index, "dcn"], each.dcn, "DCN");
  });
  for (const [index, rack] of topology.racks.entries()) {
    const areas = new Set<string>();
    for (const [subnetIndex, subnet] of rack.subnets.entries()) {
      const path = ["racks", index, "subnets", subnetIndex, "area"];
      if (areas.has(subnet.area)) {
        faults.push({ path, reason: `rack ${rack.name} already has a subnet in ${subnet.area}` });
      }
      areas.add(subnet.area);
    }
  }
  for (const [index, rule] of topology.firewall.entries()) {
    if (rule.from === rule.to) {
      faults.push({ path: ["firewall", index, "to"], reason: "is the same as from: no firewall is between them" });
    }
  }
  return faults;
}

function checkClusterHosts(topology: Topology): CheckFault[] {
  const faults: CheckFault[] = [];
  const owner = new Map<string, string>();
  for (const [index, cluster] of topology.clusters.entries()) {
    for (const [hostIndex, name] of cluster.hosts.entries()) {
      const path = ["clusters", index, "hosts", hostIndex];
      const host = topology.hosts.find((candidate) => candidate.name === name);
      const idc = topology.racks.find((rack) => rack.name === host?.rack)?.idc;
      const other = owner.get(name);
      if (host === undefined) faults.push({ path, reason: `there is no host "${name}"` });
      else if (other !== undefined) faults.push({ path, reason: `host ${name} is already in cluster ${other}` });
      else if (idc !== undefined && idc !== cluster.idc) {
        faults.push({
          path,
          reason: `host ${name} is in IDC ${idc}, but cluster ${cluster.name} lives in ${cluster.idc}`,
        });
      }
      if (other === undefined) owner.set(name, cluster.name);
    }
  }
  for (const [index, host] of topology.hosts.entries()) {
    if (!owner.has(host.name)) {
      faults.push({ path: ["hosts", index, "name"], reason: `host ${host.name} is in no cluster` });
    }
  }
  return faults;
}

/** No two networks of the topology may share an address. The later one is blamed. */
function checkNetworks(topology: Topology): CheckFault[] {
  const faults: CheckFault[] = [];
  const networks = networksOf(topology);
  for (const [index, network] of networks.entries()) {
    const other = networks.slice(0, index).find((candidate) => overlaps(candidate, network));
    if (other !== undefined) {
      faults.push({ path: network.path, reason: `${network.cidr} overlaps ${other.cidr} (${other.path.join(".")})` });
    }
  }
  if (!topology.transit.endsWith("/16")) {
    faults.push({ path: ["transit"], reason: `${topology.transit} must be a /16` });
  }
  for (const [index, cluster] of topology.clusters.entries()) {
    const bits = Number(cluster.services.split("/")[1]);
    if (bits < 12 || bits > 28) {
      faults.push({ path: ["clusters", index, "services"], reason: `${cluster.services} must be between /12 and /28` });
    }
  }
  return faults;
}
