import { applyPlan, undoPlan, type PlanJournal } from "./apply-plan.ts";
import { setHostState } from "./change-host.ts";
import { reasonsAgainst } from "./explain-placement.ts";
import { planPlacement } from "./plan-placement.ts";
import { PlacementInputError, type PlacementPlan, type PlannedInstance } from "./request.ts";
import { stateOfCode } from "./simulate-loss.ts";
import { texts, type BilingualText } from "./texts.ts";
import type { World } from "./world.ts";

/** Where an instance of a lost host goes, or null when no host of its rack can take it; `why` tells it for a person. */
export type RackMove = Readonly<{
  instance: string;
  to: Readonly<{ host: string; cluster: string; pool: string; borrowed: boolean }> | null;
  why: BilingualText;
}>;

/**
 * Where the instances of a lost host can go within its rack, so that they keep their addresses. All of them if that can be; else those that
 * come first in the list. The world is the same afterwards. Throws PlacementInputError for a host or an instance that is not known.
 */
export function planWithinRack(world: World, host: string, instances: readonly string[]): readonly RackMove[] {
  const lost = world.hosts.names.index.get(host);
  if (lost === undefined) throw new PlacementInputError("host", `"${host}" is not known`, "check the name");
  const rack = world.hosts.rack[lost]!;
  const others = world.hosts.names.ids.filter((_, at) => at !== lost && world.hosts.rack[at] === rack).sort();
  const rackName = world.racks.names.ids[rack]!;
  const before = stateOfCode(world.hosts.state[lost]!);
  const journals: PlanJournal[] = [];
  setHostState(world, lost, "offline");
  try {
    const together = planned(world, instances);
    if (together !== null) {
      return instances.map((instance) => {
        const against = reasonsOf(world, instance, others);
        return chosen(instance, together.places, { rack: rackName, hosts: others.length, open: openOf(against) });
      });
    }
    return instances.map((instance) => {
      const against = reasonsOf(world, instance, others);
      const plan = planned(world, [instance]);
      if (plan === null) return { instance, to: null, why: texts.noHostInRack(rackName, against) };
      const move = chosen(instance, plan.places, { rack: rackName, hosts: others.length, open: openOf(against) });
      journals.push(applyPlan(world, plan, ({ replaces }) => replaces!));
      return move;
    });
  } finally {
    for (const journal of journals.reverse()) undoPlan(world, journal);
    setHostState(world, lost, before);
  }
}

function planned(world: World, replace: readonly string[]): PlacementPlan | null {
  const answer = planPlacement(world, { replace, stayInRack: true });
  return answer.outcome === "plan" ? answer : null;
}

type Against = readonly Readonly<{ host: string; reasons: readonly BilingualText[] }>[];

/** What is against each of the hosts for the instance alone. */
function reasonsOf(world: World, instance: string, hosts: readonly string[]): Against {
  const request = { replace: [instance], stayInRack: true };
  return hosts.map((host) => {
    const reasons = reasonsAgainst(world, request, host).flatMap((demand) => demand.reasons.map(({ text }) => text));
    return { host, reasons };
  });
}

const openOf = (against: Against): number => against.filter(({ reasons }) => reasons.length === 0).length;

function chosen(
  instance: string,
  places: readonly PlannedInstance[],
  seen: Readonly<{ rack: string; hosts: number; open: number }>,
): RackMove {
  const place = places.find(({ replaces }) => replaces === instance);
  if (place === undefined) throw new Error(`${instance} is missing in its plan`);
  const { host, cluster, pool, borrowed } = place;
  return { instance, to: { host, cluster, pool, borrowed }, why: texts.hostInRack(host, seen) };
}
