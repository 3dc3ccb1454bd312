import {
  changesUnderInstances,
  frozenByInstances,
  keyOf,
  type EstateFault,
  type EstateOutcome,
} from "@wcs/core/estate";
import type { Query } from "../database/database.ts";
import { instancesOn, type GroundKind } from "../instance/instances-on.ts";

/** The faults of changes to what instances stand on. */
export async function faultsUnderInstances(
  query: Query,
  outcomes: readonly EstateOutcome[],
): Promise<readonly EstateFault[]> {
  const byKind = Map.groupBy(changesUnderInstances(outcomes), ({ ref }) => ref.kind);
  const instances = new Map<string, readonly string[]>();
  for (const [kind, changed] of byKind) {
    const names = changed.map(({ ref }) => ref.name);
    for (const [name, found] of await instancesOn(query, kind as GroundKind, names)) {
      instances.set(keyOf({ kind, name }), found);
    }
  }
  return frozenByInstances(outcomes, instances);
}
