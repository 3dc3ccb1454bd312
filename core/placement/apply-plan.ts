import type { InstanceRecord } from "./estate.ts";
import { addInstance, removeInstance } from "./change-instance.ts";
import type { PlacementPlan, PlannedInstance } from "./request.ts";
import type { World } from "./world.ts";

/** What was done to the world, so that it can be undone. */
export type PlanJournal = Readonly<{ removed: readonly InstanceRecord[]; added: readonly string[] }>;

/** Does in the world what a plan says; `nameOf` gives the id of each new instance (one that moves keeps its own). */
export function applyPlan(
  world: World,
  plan: PlacementPlan,
  nameOf: (place: PlannedInstance, index: number) => string,
): PlanJournal {
  const removed: InstanceRecord[] = [];
  const added: string[] = [];
  for (const id of plan.removals) removed.push(removeInstance(world, id));
  for (const { replaces } of plan.places) if (replaces !== undefined) removed.push(removeInstance(world, replaces));
  for (const [index, place] of plan.places.entries()) {
    const id = place.replaces ?? nameOf(place, index);
    addInstance(world, {
      id,
      subsystem: place.subsystem,
      dcn: place.dcn,
      class: place.class,
      host: place.host,
      subnets: place.nics.map((nic) => nic.subnet),
      lifetime: place.lifetime,
      borrowed: place.borrowed,
    });
    added.push(id);
  }
  return { removed, added };
}

/** Undoes `applyPlan`; what was changed since must have been undone before. */
export function undoPlan(world: World, journal: PlanJournal): void {
  for (const id of [...journal.added].reverse()) removeInstance(world, id);
  for (const record of [...journal.removed].reverse()) addInstance(world, record);
}
