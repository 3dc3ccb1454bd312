import type { EstateKind } from "@wcs/core/estate";
import { estateTable } from "./estate-tables.ts";
import { usersBy, type RecordUse } from "./record-users.ts";

const scope = "t.business, t.environment, t.dcn_group";

/** Documents of the kind `by` with a column that names one of the kind `of`. */
const column = (of: EstateKind, by: EstateKind, name: string): RecordUse => ({
  of,
  by,
  query: `SELECT t.${name} AS of, t.name, ${scope} FROM ${estateTable(by)} t WHERE t.${name} = ANY($1::text[])`,
});

/** Documents of the kind `by` that a table links with ones of the kind `of`. */
const link = (
  of: EstateKind,
  by: EstateKind,
  table: string,
  columns: readonly [of: string, by: string],
): RecordUse => ({
  of,
  by,
  query: `SELECT DISTINCT l.${columns[0]} AS of, t.name, ${scope} FROM ${table} l JOIN ${estateTable(by)} t ON t.name = l.${columns[1]}
    WHERE l.${columns[0]} = ANY($1::text[])`,
});

const inSubnet = (by: "Host" | "VM"): RecordUse => ({
  of: "Subnet",
  by,
  query: `SELECT DISTINCT s.name AS of, t.name, ${scope} FROM subnets s JOIN machine_addresses a ON a.address << s.cidr
    JOIN ${estateTable(by)} t ON t.name = a.${by.toLowerCase()} WHERE s.name = ANY($1::text[])`,
});

/** Which documents of the estate use which. */
export const estateUsers = usersBy([
  column("City", "IDC", "city"),
  column("IDC", "Rack", "idc"),
  column("IDC", "Cluster", "idc"),
  column("IDC", "DCN", "idc"),
  column("Area", "Subnet", "area"),
  link("Area", "Subsystem", "subsystem_areas", ["area", "subsystem"]),
  link("Area", "Host", "machine_addresses", ["area", "host"]),
  link("Area", "VM", "machine_addresses", ["area", "vm"]),
  column("Rack", "Subnet", "rack"),
  column("Rack", "Host", "rack"),
  column("Rack", "VM", "rack"),
  column("Rack", "DCN", "database_rack"),
  inSubnet("Host"),
  inSubnet("VM"),
  column("Environment", "Cluster", "environment"),
  column("Environment", "Pool", "environment"),
  column("Environment", "DCN", "environment"),
  column("Business", "Person", "business"),
  column("Business", "System", "business"),
  link("Business", "Pool", "pool_quotas", ["business", "pool"]),
  column("Person", "Subsystem", "owner"),
  column("System", "Subsystem", "system"),
  link("Subsystem", "Subsystem", "subsystem_neighbours", ["neighbour", "subsystem"]),
  column("Subsystem", "VM", "subsystem"),
  column("Class", "Pool", "big_class"),
  column("Cluster", "Host", "cluster"),
  link("Cluster", "DCN", "dcn_clusters", ["cluster", "dcn"]),
  column("Pool", "Host", "pool"),
  column("DCNGroup", "DCN", "dcn_group"),
  column("DCN", "VM", "dcn"),
]);
