import { addInstance, instanceRecord, removeInstance } from "./change-instance.ts";
import { decide } from "./decide.ts";
import type { Demand, DemandSet } from "./demand.ts";
import { sizeOfDeployment } from "./deployment.ts";
import { describePlan } from "./describe-plan.ts";
import type { InstanceRecord } from "./estate.ts";
import { demandOfInstance, survivalLimits } from "./read-request.ts";
import { refuse } from "./refuse.ts";
import {
  PlacementInputError,
  type PlacementRefusal,
  type PlannedInstance,
  type PlannedResize,
  type ResizePlan,
  type ResizeRequest,
} from "./request.ts";
import { texts } from "./texts.ts";
import type { World } from "./world.ts";

/**
 * Gives instances another class, one after the other in the order of their names: each on its own host when host, pool and rules have room
 * for the larger one, else on another host of its rack, so that its addresses hold. All or none. The world is the same afterwards. Throws
 * PlacementInputError for a request that can't be read.
 */
export function planResize(world: World, request: ResizeRequest): ResizePlan | PlacementRefusal {
  const size = world.classes.names.index.get(request.class);
  if (size === undefined) throw new PlacementInputError("class", `"${request.class}" is not known`, "check the name");
  const undo: (() => void)[] = [];
  const resizes: PlannedResize[] = [];
  try {
    for (const [at, id] of [...request.instances].sort().entries()) {
      const row = world.instances.names.get(id);
      if (row === undefined) {
        throw new PlacementInputError(`instances[${at}]`, `"${id}" is not an instance`, "check the name");
      }
      const planned = resizeOne(world, row, size, undo);
      if ("outcome" in planned) return planned;
      resizes.push(planned);
    }
    return { outcome: "resize", resizes };
  } finally {
    for (const step of undo.reverse()) step();
  }
}

function resizeOne(world: World, row: number, size: number, undo: (() => void)[]): PlannedResize | PlacementRefusal {
  const before = instanceRecord(world, row);
  const demand: Demand = { ...demandOfInstance(world, row, { stayInRack: true }), class: size };
  const host = demand.previousHost;
  removeInstance(world, before.id);
  undo.push(() => addInstance(world, before));
  // Who stays where they are break no rule about where instances may be that they did not break before.
  const onHost = placeOne(world, { ...demand, rules: {}, onlyHost: host });
  const found = onHost.outcome === "refusal" ? placeOne(world, demand) : onHost;
  if (found.outcome === "refusal") return found;
  const { place } = found;
  const toClass = world.classes.names.ids[size]!;
  const after: InstanceRecord = { ...before, class: toClass, host: place.host, borrowed: place.borrowed };
  addInstance(world, after);
  undo.push(() => removeInstance(world, after.id));
  return {
    instance: before.id,
    fromClass: before.class,
    toClass,
    fromHost: before.host,
    toHost: place.host,
    toPool: place.pool,
    stays: place.host === before.host,
    borrowed: place.borrowed,
    reason: onHost.outcome === "refusal" ? texts.noRoomForResize(before.host, inTheWay(onHost)) : null,
  };
}

function inTheWay({ conflict }: PlacementRefusal) {
  return conflict.filter(({ rule }) => rule !== "count").map(({ text }) => text);
}

type Placed = Readonly<{ outcome: "placed"; place: PlannedInstance }>;

function placeOne(world: World, demand: Demand): Placed | PlacementRefusal {
  const { deployment, rules } = demand;
  const { instances, vms } = sizeOfDeployment(world, deployment);
  const survival = survivalLimits(world, new Map([[deployment, rules]]), new Map([[deployment, instances + vms + 1]]));
  const set: DemandSet = { demands: [demand], survival, decided: new Set() };
  const { problem, solution } = decide(world, set);
  if (solution.outcome !== "plan") {
    return refuse(world, set, { proved: solution.outcome === "none", notes: [] });
  }
  const [place] = describePlan(world, set, { problem, state: solution.state }).places;
  if (place === undefined) throw new Error("a plan without a place");
  return { outcome: "placed", place };
}
