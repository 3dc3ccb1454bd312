import type { EstateKind } from "@wcs/core/estate";

/** The fields by which a list of a kind can be filtered; each takes the exact value. */
export const estateFilters = {
  City: [],
  IDC: ["city"],
  Area: [],
  Rack: ["idc", "state"],
  Subnet: ["rack", "area"],
  Environment: [],
  Business: [],
  Person: ["business"],
  System: ["business"],
  Subsystem: ["business", "system", "owner", "importance"],
  Class: [],
  Cluster: ["idc", "environment", "state"],
  Pool: ["environment"],
  Host: ["rack", "cluster", "pool", "environment", "state"],
  DCNGroup: [],
  DCN: ["group", "idc", "environment", "role"],
  VM: ["rack", "business", "subsystem", "dcn"],
} as const satisfies Readonly<Record<EstateKind, readonly string[]>>;
