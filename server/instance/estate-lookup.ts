import type { EstateDocument, EstateKind } from "@wcs/core/estate";
import type { Query } from "../database/database.ts";
import { documentOfRow, estateColumns, estateTable, type EstateRow } from "../estate/estate-tables.ts";
import type { EstateLookup } from "./neighbours.ts";

/** What the main job asks of the estate, read as it is now. */
export const estateLookup: EstateLookup = {
  subsystem: async (query, id) => {
    const subsystem = await find(query, "Subsystem", id);
    if (subsystem === null) return null;
    const { system, importance, areas = ["core"] } = subsystem.spec;
    const business = (await find(query, "System", system))?.spec.business;
    return business === undefined ? null : { id, system, business, areas, importance };
  },
  dcn: async (query, id) => {
    const dcn = await find(query, "DCN", id);
    return dcn === null ? null : { id, group: dcn.spec.group, idc: dcn.spec.idc, environment: dcn.spec.environment };
  },
  class: async (query, name) => {
    const found = await find(query, "Class", name);
    if (found === null) return null;
    const { cpuMilli, memoryMiB, diskGiB } = found.spec;
    return { name, cpuMilli, memoryMiB, ...(diskGiB === undefined ? {} : { diskMiB: diskGiB * 1024 }) };
  },
  environment: async (query, name) => {
    const found = await find(query, "Environment", name);
    return found === null ? null : { name, ...found.spec };
  },
  nodeOf: async (query, host) => {
    const found = await find(query, "Host", host);
    return found === null ? null : (found.spec.node ?? host);
  },
  nodesOf: async (query, hosts) => {
    const rows = await query<EstateRow>(
      `SELECT ${estateColumns} FROM ${estateTable("Host")} WHERE name = ANY($1::text[])`,
      [hosts],
    );
    const documents = rows.map((row) => documentOfRow("Host", row) as EstateDocument<"Host">);
    return new Map(documents.map(({ name, spec }) => [name, spec.node ?? name]));
  },
  host: async (query, name) => {
    const found = await find(query, "Host", name);
    if (found === null) return null;
    const { node = name, rack, cluster = null } = found.spec;
    return { name, node, rack, cluster };
  },
};

async function find<K extends EstateKind>(query: Query, kind: K, name: string): Promise<EstateDocument<K> | null> {
  const [row] = await query<EstateRow>(`SELECT ${estateColumns} FROM ${estateTable(kind)} WHERE name = $1`, [name]);
  return row === undefined ? null : (documentOfRow(kind, row) as EstateDocument<K>);
}
