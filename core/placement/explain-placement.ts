import { cellRules, hostReason } from "./cell-rules.ts";
import { withoutInstances } from "./change-instance.ts";
import { compileProblem } from "./compile-problem.ts";
import type { Demand } from "./demand.ts";
import { readRequest } from "./read-request.ts";
import { PlacementInputError, type PlacementRequest } from "./request.ts";
import { ruleNames, ruleOfKey, type RuleName } from "./rule-names.ts";
import { ruleTexts } from "./rule-texts.ts";
import { affinityBlocks, blockedLimits, createState } from "./solver-state.ts";
import { texts, type BilingualText } from "./texts.ts";
import { isThere, type World } from "./world.ts";

/** How many hosts one rule took out, of those that the rules before it had left. `example`: one of them. */
export type FunnelStep = Readonly<{ rule: RuleName; hosts: number; example: string; text: BilingualText }>;

/** Why which hosts are out of the question for one subsystem in one DCN. `left`: hosts where one instance may be placed. */
export type DemandExplanation = Readonly<{
  subsystem: string;
  dcn: string;
  class: string;
  count: number;
  hosts: number;
  steps: readonly FunnelStep[];
  left: number;
}>;

/** Counts for each demand of a request that places, rule by rule, the hosts that the rule took out. Looks at every host. */
export function explainPlacement(world: World, request: PlacementRequest): DemandExplanation[] {
  const set = readRequest(world, request);
  const problem = compileProblem(world, set);
  const state = createState(problem);
  const candidateOf = new Map(
    [...problem.hosts.entries()].filter(([j]) => problem.instances[j]! < 0).map(([j, host]) => [host, j]),
  );
  return problem.demands.flatMap((demand, k): DemandExplanation[] => {
    if (demand.kind === "keep") return [];
    const out = new Map<RuleName, { hosts: number; example: string }>();
    let hosts = 0;
    for (const [cell, list] of world.cells.hosts.entries()) {
      const byCell = cellRules.find(({ rejects }) => rejects(world, demand, cell))?.rule;
      for (const host of list) {
        hosts += 1;
        const rule = byCell ?? hostReason(world, demand, host) ?? limitReason(candidateOf.get(host), k);
        if (rule === null) continue;
        const known = out.get(rule);
        const name = world.hosts.names.ids[host]!;
        if (known === undefined) out.set(rule, { hosts: 1, example: name });
        else {
          known.hosts += 1;
          if (name < known.example) known.example = name;
        }
      }
    }
    const steps = ruleNames.flatMap((rule): FunnelStep[] => {
      const step = out.get(rule);
      return step === undefined ? [] : [{ rule, ...step, text: texts.funnel(step.hosts, ruleTexts[rule]) }];
    });
    const taken = steps.reduce((sum, step) => sum + step.hosts, 0);
    return [{ ...names(world, demand), count: demand.count, hosts, steps, left: hosts - taken }];
  });

  function limitReason(j: number | undefined, k: number): RuleName | null {
    if (j === undefined) return null;
    const limits = blockedLimits(state, k, j);
    const rules = limits.map((limit) => {
      const family = problem.families.find(({ base, size }) => limit >= base && limit < base + size)!;
      return ruleOfKey(family.key);
    });
    if (affinityBlocks(state, k, j)) {
      rules.push(problem.affinities[k]!.some(({ kind }) => kind === "apart") ? "apart" : "together");
    }
    rules.sort((a, b) => ruleNames.indexOf(a) - ruleNames.indexOf(b));
    return rules[0] ?? null;
  }
}

/** Every rule that is against one host, for each subsystem and DCN of a request; an empty list: nothing is. */
export function reasonsAgainst(world: World, request: PlacementRequest, hostId: string) {
  const host = world.hosts.names.index.get(hostId);
  if (host === undefined || !isThere(world, host)) {
    throw new PlacementInputError("host", `"${hostId}" is not known`, "check the name");
  }
  const set = readRequest(world, request);
  return withoutInstances(world, request.replace ?? [], () => {
    const problem = compileProblem(world, set);
    const state = createState(problem);
    const cell = world.hosts.cell[host]!;
    const j = problem.hosts.findIndex((each, at) => each === host && problem.instances[at]! < 0);
    return problem.demands.flatMap((demand, k) => {
      if (demand.kind === "keep") return [];
      const rules = new Set<RuleName>();
      for (const { rule, rejects } of cellRules) if (rejects(world, demand, cell)) rules.add(rule);
      const own = hostReason(world, demand, host);
      if (own !== null) rules.add(own);
      if (j >= 0) {
        for (const limit of blockedLimits(state, k, j)) {
          rules.add(ruleOfKey(problem.families.find(({ base, size }) => limit >= base && limit < base + size)!.key));
        }
      }
      return [{ ...names(world, demand), reasons: [...rules].map((rule) => ({ rule, text: ruleTexts[rule] })) }];
    });
  });
}

function names(world: World, demand: Demand) {
  return {
    subsystem: world.subsystems.names.ids[demand.subsystem]!,
    dcn: world.dcns.names.ids[demand.dcn]!,
    class: world.classes.names.ids[demand.class]!,
  };
}
