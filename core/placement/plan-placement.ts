import { withoutInstances } from "./change-instance.ts";
import { decide } from "./decide.ts";
import { describePlan } from "./describe-plan.ts";
import { notesFor } from "./notes.ts";
import { readRequest } from "./read-request.ts";
import { refuse } from "./refuse.ts";
import type { PlacementAnswer, PlacementRequest } from "./request.ts";
import type { World } from "./world.ts";

/**
 * Decides a request: a plan, or a refusal that says why and what would help. The world is the same afterwards. Throws
 * PlacementInputError for a request that can't be read.
 */
export function planPlacement(world: World, request: PlacementRequest): PlacementAnswer {
  const set = readRequest(world, request);
  return withoutInstances(world, request.replace ?? [], () => {
    const { problem, solution } = decide(world, set);
    if (solution.outcome === "plan") return describePlan(world, set, { problem, state: solution.state });
    return refuse(world, set, { proved: solution.outcome === "none", notes: notesFor(world, set.demands) });
  });
}
