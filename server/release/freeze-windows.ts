import type { FreezeWindow } from "@wcs/core/release";
import type { Query } from "../database/database.ts";

/** The freeze windows of an environment. */
export async function freezeWindowsOf(query: Query, environment: string): Promise<readonly FreezeWindow[]> {
  const rows = await query<{ description: FreezeWindow }>(
    "SELECT description FROM freeze_windows WHERE description -> 'environments' ? $1 ORDER BY name",
    [environment],
  );
  return rows.map(({ description }) => description);
}
