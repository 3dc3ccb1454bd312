import type { EstateKind } from "@wcs/core/estate";

/** How the kinds of the estate are called on the command line: the plural first. Here in full, so that `wcs` starts without their schemas. */
export const estateNouns: readonly Readonly<{ kind: EstateKind; nouns: readonly [string, ...string[]] }>[] = [
  { kind: "City", nouns: ["cities", "city"] },
  { kind: "IDC", nouns: ["idcs", "idc"] },
  { kind: "Area", nouns: ["areas", "area"] },
  { kind: "Rack", nouns: ["racks", "rack"] },
  { kind: "Subnet", nouns: ["subnets", "subnet"] },
  { kind: "Environment", nouns: ["environments", "environment", "env"] },
  { kind: "Business", nouns: ["businesses", "business"] },
  { kind: "Person", nouns: ["people", "person"] },
  { kind: "System", nouns: ["systems", "system"] },
  { kind: "Subsystem", nouns: ["subsystems", "subsystem"] },
  { kind: "Class", nouns: ["classes", "class"] },
  { kind: "Cluster", nouns: ["clusters", "cluster"] },
  { kind: "Pool", nouns: ["pools", "pool"] },
  { kind: "Host", nouns: ["hosts", "host"] },
  { kind: "DCNGroup", nouns: ["dcn-groups", "dcn-group", "dcngroup", "dcngroups"] },
  { kind: "DCN", nouns: ["dcns", "dcn"] },
  { kind: "VM", nouns: ["vms", "vm"] },
];
