import { Type, type Static } from "typebox";

const closed = { additionalProperties: false } as const;
const name = (what: string, maxLength = 15) =>
  Type.String({
    pattern: "^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
    maxLength,
    description: `${what}: lower-case letters, digits and single dashes, beginning with a letter, at most ${maxLength} characters (it names network interfaces)`,
  });
const address = Type.String({ format: "ipv4", description: "an IPv4 address such as 10.71.1.1" });
const cidr = Type.String({ format: "cidr", description: "an IPv4 network such as 10.71.1.0/24" });
const range = Type.String({
  format: "range",
  description: "two addresses joined by a dash, such as 10.71.1.20-10.71.1.99",
});
const memory = Type.String({ pattern: "^[1-9][0-9]*(Mi|Gi)$", description: "a size such as 512Mi or 64Gi" });
const cpu = Type.Integer({ minimum: 1, maximum: 1024, description: "whole cores, 1 to 1024" });
const area = Type.Union([Type.Literal("core"), Type.Literal("dmz"), Type.Literal("ecn")], {
  description: "core, dmz or ecn",
});
const label = Type.String({ minLength: 1, maxLength: 80 });
const many = <T extends Parameters<typeof Type.Array>[0]>(item: T, minItems = 0) =>
  Type.Array(item, { minItems, maxItems: 1000 });

const Subnet = Type.Object(
  {
    area,
    cidr,
    gateway: address,
    /** Addresses that a platform gives to instances for good. */
    fixed: range,
    /** Addresses that hosts give to pods without a fixed one. */
    dynamic: range,
  },
  closed,
);
const Rack = Type.Object({ name: name("a rack"), idc: name("an IDC", 9), subnets: many(Subnet, 1) }, closed);
const Host = Type.Object(
  {
    name: name("a host"),
    rack: Type.Optional(name("a rack")),
    /** One address for each area that the host serves; the first is the node's own. */
    addresses: Type.Record(Type.String({ pattern: "^(core|dmz|ecn)$" }), address, { minProperties: 1 }),
    cpu,
    memory,
    pool: Type.Optional(label),
  },
  closed,
);
const Vm = Type.Object(
  {
    name: name("a VM"),
    rack: Type.Optional(name("a rack")),
    area,
    address,
    cpu,
    memory,
    subsystem: Type.Optional(Type.String({ pattern: "^[0-9]{4}$", description: "four digits" })),
    dcn: Type.Optional(Type.String({ pattern: "^[0-9A-Z]{3}$", description: "three characters" })),
  },
  closed,
);
const Cluster = Type.Object(
  {
    name: name("a cluster"),
    idc: name("an IDC", 9),
    environment: label,
    /** The control plane's address, in the IDC's management network. */
    address,
    /** Cluster IPs. Its first address is `kubernetes.default`, which the TORs route to the control plane. */
    services: cidr,
    hosts: many(name("a host"), 1),
  },
  closed,
);
const FirewallRule = Type.Object(
  {
    from: Type.Union([area, Type.Literal("outside")], { description: "core, dmz, ecn or outside" }),
    to: Type.Union([area, Type.Literal("outside")], { description: "core, dmz, ecn or outside" }),
    protocol: Type.Union([Type.Literal("tcp"), Type.Literal("udp")], { description: "tcp or udp" }),
    ports: Type.Array(Type.Integer({ minimum: 1, maximum: 65535 }), { minItems: 1, maxItems: 50 }),
    why: label,
  },
  closed,
);
const Idc = Type.Object(
  {
    name: name("an IDC", 9),
    city: label,
    /** Where control planes and the registry live. */
    management: Type.Object({ cidr, gateway: address }, closed),
  },
  closed,
);

const EstateDocument = Type.Object(
  {
    kind: Type.Union(
      (["Environment", "Business", "Person", "System", "Subsystem", "Class", "Pool", "DCNGroup", "DCN"] as const).map(
        (kind) => Type.Literal(kind),
      ),
      { description: "Environment, Business, Person, System, Subsystem, Class, Pool, DCNGroup or DCN" },
    ),
    name: label,
    title: Type.Optional(label),
    spec: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { description: "an object" })),
  },
  closed,
);

/** The topology file, as people write it. */
export const TopologySchema = Type.Object(
  {
    name: name("a topology", 40),
    /** A /16 of its own for what joins routers, firewalls and this machine. */
    transit: cidr,
    outside: Type.Object({ cidr, address }, closed),
    registry: Type.Object({ idc: name("an IDC", 9), address }, closed),
    cities: many(Type.Object({ name: label }, closed), 1),
    idcs: many(Idc, 1),
    racks: many(Rack, 1),
    hosts: many(Host, 1),
    vms: many(Vm),
    clusters: many(Cluster, 1),
    firewall: many(FirewallRule),
    /** What a platform should know besides the machines: passed on by `wcs-lab estate` as it is written. */
    estate: Type.Optional(many(EstateDocument)),
  },
  closed,
);

export type Topology = Static<typeof TopologySchema>;
export type Area = Static<typeof area>;
export type Host = Static<typeof Host>;
export type Cluster = Static<typeof Cluster>;
export type Rack = Static<typeof Rack>;
export type Vm = Static<typeof Vm>;
export type Idc = Static<typeof Idc>;
