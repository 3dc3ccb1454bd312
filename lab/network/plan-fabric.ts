import { addressesOf, areasOf, idcOf, rackOf, subnetOf } from "../topology/find.ts";
import { formatAddress, macOf, parseNetwork } from "../topology/ipv4.ts";
import type { Area, Topology } from "../topology/schema.ts";
import { rootLink } from "../state/paths.ts";

/** The lab's whole network as data. Names of namespaces are without their prefix. */
export type FabricPlan = Readonly<{
  namespaces: readonly string[];
  /** Namespaces that forward between their interfaces. */
  forwarding: readonly string[];
  /** Pairs of interfaces, each end in its namespace. */
  links: readonly Readonly<{ a: LinkEnd; b: LinkEnd }>[];
  /** `ip -batch` lines for each namespace. */
  config: ReadonlyMap<string, readonly string[]>;
  /** The machine's own end of the link to the fabric, and what it reaches through it. */
  root: Readonly<{ address: string; peer: LinkEnd; routes: readonly Readonly<{ cidr: string; via: string }>[] }>;
}>;
export type LinkEnd = Readonly<{ netns: string; name: string }>;

/** The namespace that routes an IDC's racks of one area. */
export const routerName = (idc: string, area: Area) => `${idc}-${area}`;
export const firewallName = (idc: string) => `${idc}-fw`;
/** Joins the IDCs: one layer-2 segment an area. */
export const wanName = "wan";
export const outsideName = "outside";
export const registryName = "registry";

/** What joins routers, firewalls and this machine, cut from the topology's transit /16. */
export function transitPlan(topology: Topology) {
  const base = parseNetwork(topology.transit)?.base ?? 0;
  const areas = areasOf(topology);
  const idcIndex = (idc: string) => topology.idcs.findIndex((candidate) => candidate.name === idc);
  const areaIndex = (area: Area) => areas.indexOf(area);
  const pair = (idc: string, area: Area) => base + 128 * 256 + (idcIndex(idc) * areas.length + areaIndex(area)) * 4;
  const outside = parseNetwork(topology.outside.cidr);
  return {
    /** A router's address on the segment that joins the IDCs in its area. */
    wan: (idc: string, area: Area) => formatAddress(base + areaIndex(area) * 256 + idcIndex(idc) + 1),
    wanCidr: (area: Area) => `${formatAddress(base + areaIndex(area) * 256)}/24`,
    /** This machine, on the core segment. */
    root: formatAddress(base + 254),
    router: (idc: string, area: Area) => formatAddress(pair(idc, area) + 1),
    firewall: (idc: string, area: Area) => formatAddress(pair(idc, area) + 2),
    firewallOutside: (idc: string) => formatAddress((outside?.base ?? 0) + idcIndex(idc) + 1),
    outsideBits: outside?.prefixBits ?? 24,
  };
}

/** Works out every namespace, link, address and route of a topology. Pure. */
export function planFabric(topology: Topology): FabricPlan {
  const areas = areasOf(topology);
  const outer = areas.filter((area) => area !== "core");
  const transit = transitPlan(topology);
  const namespaces: string[] = [];
  const forwarding: string[] = [];
  const links: { a: LinkEnd; b: LinkEnd }[] = [];
  const config = new Map<string, string[]>();
  const add = (netns: string, ...lines: string[]) => config.get(netns)?.push(...lines);
  const space = (netns: string, forwards = false) => {
    namespaces.push(netns);
    config.set(netns, ["link set lo up"]);
    if (forwards) forwarding.push(netns);
  };
  const bridge = (netns: string, name: string, ...more: string[]) =>
    add(netns, `link add name ${name} type bridge forward_delay 0 stp_state 0`, ...more, `link set ${name} up`);

  // what lies in an IDC's area, and the core side's control planes' service addresses
  const cidrs = (idc: string, area: Area) => [
    ...topology.racks
      .filter((rack) => rack.idc === idc)
      .flatMap((rack) => rack.subnets.filter((subnet) => subnet.area === area).map((subnet) => subnet.cidr)),
    ...(area === "core"
      ? [
          ...topology.idcs.filter((candidate) => candidate.name === idc).map((candidate) => candidate.management.cidr),
          ...topology.clusters
            .filter((cluster) => cluster.idc === idc)
            .map((cluster) => `${serviceAddress(cluster.services)}/32`),
        ]
      : []),
  ];

  space(wanName);
  for (const area of areas) bridge(wanName, area);
  space(outsideName);
  bridge(outsideName, "inet", `addr add ${topology.outside.address}/${transit.outsideBits} dev inet`);

  for (const idc of topology.idcs) {
    const firewall = firewallName(idc.name);
    space(firewall, true);
    links.push({ a: { netns: firewall, name: "outside" }, b: { netns: outsideName, name: firewall } });
    add(
      firewall,
      `addr add ${transit.firewallOutside(idc.name)}/${transit.outsideBits} dev outside`,
      "link set outside up",
    );
    add(outsideName, `link set ${firewall} master inet up`);
    for (const area of areas) {
      const router = routerName(idc.name, area);
      space(router, true);
      links.push({ a: { netns: router, name: "wan" }, b: { netns: wanName, name: router } });
      add(wanName, `link set ${router} master ${area} up`);
      add(router, `addr add ${transit.wan(idc.name, area)}/24 dev wan`, "link set wan up");
      links.push({ a: { netns: router, name: "fw" }, b: { netns: firewall, name: area } });
      add(router, `addr add ${transit.router(idc.name, area)}/30 dev fw`, "link set fw up");
      add(firewall, `addr add ${transit.firewall(idc.name, area)}/30 dev ${area}`, `link set ${area} up`);
      if (area === "core") {
        bridge(router, "mgmt", `addr add ${idc.management.gateway}/${bits(idc.management.cidr)} dev mgmt`);
      }
    }
    for (const rack of topology.racks.filter((candidate) => candidate.idc === idc.name)) {
      for (const subnet of rack.subnets) {
        bridge(
          routerName(idc.name, subnet.area),
          rack.name,
          `addr add ${subnet.gateway}/${bits(subnet.cidr)} dev ${rack.name}`,
        );
      }
    }
  }

  // hosts, VMs, control planes, registry
  for (const host of topology.hosts) {
    const rack = rackOf(topology, host);
    space(host.name);
    for (const [index, [area, address]] of addressesOf(host).entries()) {
      const subnet = subnetOf(rack, area);
      const router = routerName(rack.idc, area);
      const [uplink, inner] = [`up-${area}`, `br-${area}`];
      links.push({ a: { netns: host.name, name: uplink }, b: { netns: router, name: host.name } });
      add(router, `link set ${host.name} master ${rack.name} up`);
      add(host.name, `link set ${uplink} address ${macOf(address)}`);
      // a bridge takes its ports' lowest MAC unless it has one of its own: then a new pod would change the host's
      bridge(
        host.name,
        inner,
        `link set ${inner} address ${macOf(address)}`,
        `addr add ${address}/${bits(subnet.cidr)} dev ${inner}`,
      );
      add(host.name, `link set ${uplink} master ${inner} up`);
      if (index === 0) add(host.name, `route add default via ${subnet.gateway} dev ${inner}`);
    }
  }
  const single = (
    netns: string,
    port: { router: string; bridge: string },
    address: { address: string; cidr: string; gateway: string },
  ) => {
    space(netns);
    links.push({ a: { netns, name: "eth0" }, b: { netns: port.router, name: netns } });
    add(port.router, `link set ${netns} master ${port.bridge} up`);
    add(
      netns,
      `link set eth0 address ${macOf(address.address)}`,
      `addr add ${address.address}/${bits(address.cidr)} dev eth0`,
      "link set eth0 up",
      `route add default via ${address.gateway} dev eth0`,
    );
  };
  for (const vm of topology.vms) {
    const rack = rackOf(topology, vm);
    const subnet = subnetOf(rack, vm.area);
    single(
      vm.name,
      { router: routerName(rack.idc, vm.area), bridge: rack.name },
      { address: vm.address, cidr: subnet.cidr, gateway: subnet.gateway },
    );
  }
  const managed = [...topology.clusters, { name: registryName, ...topology.registry }];
  for (const machine of managed) {
    const idc =
      topology.idcs.find((candidate) => candidate.name === machine.idc) ??
      idcOf(topology, { name: "", idc: machine.idc, subnets: [] });
    single(
      machine.name,
      { router: routerName(idc.name, "core"), bridge: "mgmt" },
      { address: machine.address, ...idc.management },
    );
  }

  // routes
  for (const cluster of topology.clusters) {
    add(cluster.name, `addr add ${serviceAddress(cluster.services)}/32 dev lo`);
    add(routerName(cluster.idc, "core"), `route add ${serviceAddress(cluster.services)}/32 via ${cluster.address}`);
  }
  for (const idc of topology.idcs) {
    const firewall = firewallName(idc.name);
    for (const area of areas) {
      const router = routerName(idc.name, area);
      add(router, `route add default via ${transit.firewall(idc.name, area)}`);
      for (const other of topology.idcs.filter((candidate) => candidate !== idc)) {
        // an outer area goes to a far core through the far firewall, so that both directions pass the same one
        const reached =
          area === "core" ? cidrs(other.name, "core") : [...cidrs(other.name, area), ...cidrs(other.name, "core")];
        for (const cidr of reached) add(router, `route add ${cidr} via ${transit.wan(other.name, area)}`);
      }
      for (const cidr of cidrs(idc.name, area)) {
        add(firewall, `route add ${cidr} via ${transit.router(idc.name, area)}`);
      }
      // reached from a near core, a far dmz is behind the near dmz router
      if (area !== "core") {
        for (const other of topology.idcs.filter((candidate) => candidate !== idc)) {
          for (const cidr of cidrs(other.name, area)) {
            add(firewall, `route add ${cidr} via ${transit.router(idc.name, area)}`);
          }
        }
      }
    }
    add(firewall, `route add ${transit.wanCidr("core")} via ${transit.router(idc.name, "core")}`);
    for (const area of outer) {
      for (const cidr of cidrs(idc.name, area)) {
        add(outsideName, `route add ${cidr} via ${transit.firewallOutside(idc.name)}`);
      }
    }
  }
  add(wanName, "link set root master core up");

  // `outside` is not among them: its addresses stand for the internet's, and this machine may need the real ones
  const routes = topology.idcs.flatMap((idc) =>
    areas.flatMap((area) => cidrs(idc.name, area).map((cidr) => ({ cidr, via: transit.wan(idc.name, "core") }))),
  );
  return {
    namespaces,
    forwarding,
    links,
    config,
    root: { address: `${transit.root}/24`, peer: { netns: wanName, name: "root" }, routes },
  };
}

/** The first address of a cluster's service network: `kubernetes.default`. */
export function serviceAddress(services: string): string {
  return formatAddress((parseNetwork(services)?.base ?? 0) + 1);
}

/** The `ip -batch` lines that make the machine's end of the link. */
export const rootLinkLines = (plan: FabricPlan) => [
  `addr add ${plan.root.address} dev ${rootLink}`,
  `link set ${rootLink} up`,
  ...plan.root.routes.map((route) => `route add ${route.cidr} via ${route.via} dev ${rootLink}`),
];

const bits = (cidr: string) => cidr.split("/")[1] ?? "24";
