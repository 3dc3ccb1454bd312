import type { Query, Row } from "../database/database.ts";

const columns = { Host: "host", Class: "class", DCN: "dcn", Subsystem: "subsystem" } as const;

/** A kind of the estate that instances stand on. */
export type GroundKind = keyof typeof columns;

type OnRow = Row & Readonly<{ ground: string; instances: string[] }>;

/** The instances, retired ones left out, that stand on each of the named documents, by its name. */
export async function instancesOn(
  query: Query,
  kind: GroundKind,
  names: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = await query<OnRow>(
    `SELECT ${columns[kind]} AS ground, array_agg(name ORDER BY name) AS instances FROM instances
     WHERE ${columns[kind]} = ANY($1::text[]) AND retired_at IS NULL GROUP BY 1`,
    [names],
  );
  return new Map(rows.map(({ ground, instances }) => [ground, instances]));
}
