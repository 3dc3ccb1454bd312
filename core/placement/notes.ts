import type { Demand } from "./demand.ts";
import { texts, type BilingualText } from "./texts.ts";
import type { World } from "./world.ts";

/** What the reader of a plan or refusal should know of the clusters: which ones were left out since they are not heard of. */
export function notesFor(world: World, demands: readonly Demand[]): BilingualText[] {
  const notes: BilingualText[] = [];
  for (const [cluster, stale] of world.clusters.stale.entries()) {
    if (!stale) continue;
    const concerned = demands.some(
      (demand) =>
        demand.kind === "place" &&
        world.clusters.idc[cluster] === world.dcns.idc[demand.dcn] &&
        world.clusters.environment[cluster] === world.dcns.environment[demand.dcn],
    );
    if (concerned) notes.push(texts.staleCluster(world.clusters.names.ids[cluster]!));
  }
  return notes;
}
