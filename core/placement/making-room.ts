import { withoutInstances } from "./change-instance.ts";
import { joinDemands } from "./change-demands.ts";
import { decide } from "./decide.ts";
import type { DemandSet } from "./demand.ts";
import { readRequest } from "./read-request.ts";
import type { Remedy } from "./request.ts";
import { placedUnits } from "./solver-state.ts";
import type { SoftSolution } from "./soft-solution.ts";
import { domainOfHost } from "./surroundings.ts";
import { texts } from "./texts.ts";
import { borrowedFlag, temporaryFlag, type World } from "./world.ts";

/** How many instances are tried, and how many ways are told. */
const mostTried = 40;
const mostTold = 2;

/** Existing instances whose move, planned together with the request, makes it fit. */
export function moveRemedies(world: World, set: DemandSet, short: SoftSolution): Omit<Remedy, "enough">[] {
  const remedies: Omit<Remedy, "enough">[] = [];
  for (const row of instancesInTheWay(world, set, short).slice(0, mostTried)) {
    const id = world.instances.ids[row]!;
    const from = world.instances.host[row]!;
    const joined = joinDemands(set, readRequest(world, { replace: [id] }));
    const to = withoutInstances(world, [id], () => {
      const { problem, solution } = decide(world, joined, { feasibleOnly: true });
      if (solution.outcome !== "plan") return -1;
      const moved = placedUnits(solution.state).find(({ k }) => problem.demands[k]!.previousHost >= 0);
      return moved === undefined ? -1 : problem.hosts[moved.j]!;
    });
    if (to < 0 || to === from) continue;
    const names = world.hosts.names.ids;
    remedies.push({ kind: "move", text: texts.moveInstance(id, names[from]!, names[to]!) });
    if (remedies.length === mostTold) break;
  }
  return remedies;
}

/** Temporary instances that others run on borrowed capacity, as few as make the request fit when they go. */
export function returnRemedies(world: World, set: DemandSet, short: SoftSolution): Omit<Remedy, "enough">[] {
  const businesses = new Set(set.demands.map((demand) => demand.business));
  const businessOf = (row: number) =>
    world.subsystems.business[world.deployments.subsystem[world.instances.deployment[row]!]!]!;
  const borrowed = instancesInTheWay(world, set, short).filter((row) => {
    const flags = world.instances.flags[row]!;
    return (flags & borrowedFlag) !== 0 && (flags & temporaryFlag) !== 0 && !businesses.has(businessOf(row));
  });
  const ids = borrowed.slice(0, mostTried).map((row) => world.instances.ids[row]!);
  const fitsWithout = (gone: readonly string[]) =>
    withoutInstances(world, gone, () => decide(world, set, { feasibleOnly: true }).solution.outcome === "plan");
  if (ids.length === 0 || !fitsWithout(ids)) return [];
  let needed = ids;
  for (const id of ids) {
    const fewer = needed.filter((each) => each !== id);
    if (fitsWithout(fewer)) needed = fewer;
  }
  const owners = needed.map((id) => world.businesses.ids[businessOf(world.instances.names.get(id)!)]!);
  return [{ kind: "return", text: texts.returnBorrowed(needed, [...new Set(owners)].sort()) }];
}

/** Instances where the request lacks something: those on the hosts or in the racks where a limit is overrun, largest first. */
function instancesInTheWay(world: World, set: DemandSet, short: SoftSolution): number[] {
  const rows: number[] = [];
  const places = short.overflows.flatMap(({ family, place }) =>
    family.domain === "pool" || family.domain === "candidate" ? [] : [{ domain: family.domain, place }],
  );
  for (const { domain, index } of short.contradictions) {
    if (index >= 0 && domain !== "pool" && domain !== "candidate") places.push({ domain, place: index });
  }
  const hosts = new Set(placedUnits(short.state).map(({ j }) => short.problem.hosts[j]!));
  for (let row = 0; row < world.instances.ids.length; row += 1) {
    const host = world.instances.host[row]!;
    if (host < 0 || set.decided.has(row)) continue;
    const here = places.some(({ domain, place }) => domainOfHost(world, host, domain) === place);
    if (here || (places.length === 0 && hosts.has(host))) rows.push(row);
  }
  const size = (row: number) => world.classes.need[world.instances.class[row]! * 5]!;
  const { ids } = world.instances;
  return rows.sort((a, b) => size(b) - size(a) || (ids[a]! < ids[b]! ? -1 : 1));
}
