import type { InstanceLifetime, PlacementRules } from "./estate.ts";
import type { BilingualText } from "./texts.ts";
import type { RuleName } from "./rule-names.ts";
import type { Score } from "./score.ts";

/**
 * What is asked for. `items` are planned together. `replace`: ids of existing instances that must find a (new) place, as when
 * their host is emptied; they keep their subsystem, DCN and class. `stayInRack`: those keep their rack too, and so their addresses.
 */
export type PlacementRequest = Readonly<{
  items?: readonly RequestItem[];
  replace?: readonly string[];
  stayInRack?: boolean;
}>;

/**
 * `counts`: for each DCN, how many instances there are afterwards: more are placed, or some go. `countVms`: its VMs are part of
 * that number. `areas`: one for each NIC. `pool`: only there; absent: any pool in which the business has a share.
 */
export type RequestItem = Readonly<{
  subsystem: string;
  class: string;
  areas: readonly string[];
  counts: Readonly<Record<string, number>>;
  countVms?: boolean;
  lifetime?: InstanceLifetime;
  pool?: string;
  /** Instances that go, by name; `counts` are then what is left in their DCNs, and the engine chooses none. */
  retire?: readonly string[];
  /** Rules instead of the subsystem's own, for this request. */
  rules?: PlacementRules;
}>;

export type PlannedInstance = Readonly<{
  subsystem: string;
  dcn: string;
  class: string;
  lifetime: InstanceLifetime;
  idc: string;
  cluster: string;
  rack: string;
  host: string;
  pool: string;
  nics: readonly Readonly<{ area: string; subnet: string }>[];
  /** Beyond the guarantee of its business in the pool. */
  borrowed: boolean;
  /** The existing instance that moves here. */
  replaces?: string;
}>;

/** Instances that get another class, each on its host, or else on another one of its rack, where its addresses hold. */
export type ResizeRequest = Readonly<{ instances: readonly string[]; class: string }>;

export type ResizePlan = Readonly<{ outcome: "resize"; resizes: readonly PlannedResize[] }>;

/** `stays`: on its host. `toHost`, `toPool` and `borrowed` are what it has afterwards. */
export type PlannedResize = Readonly<{
  instance: string;
  fromClass: string;
  toClass: string;
  fromHost: string;
  toHost: string;
  toPool: string;
  stays: boolean;
  borrowed: boolean;
  /** Why it can't stay on its host. */
  reason: BilingualText | null;
}>;

export type PlacementPlan = Readonly<{
  outcome: "plan";
  places: readonly PlannedInstance[];
  /** Ids of the instances that go. */
  removals: readonly string[];
  score: Score;
  notes: readonly BilingualText[];
}>;

/** One rule that takes part in a conflict. `subject` says whose or where: an area, a business, a subsystem. */
export type Constraint = Readonly<{ rule: RuleName; subject: string; text: BilingualText }>;

/**
 * A change that the engine tried. `enough`: it alone makes the whole request fit; false: it undoes this conflict, and there is
 * another one.
 */
export type Remedy = Readonly<{ kind: RemedyKind; enough: boolean; text: BilingualText }>;

export type RemedyKind = "more" | "loosen" | "move" | "count" | "repair" | "return";

/**
 * `proved`: there is no plan, the engine ruled out every possibility; false: it ran into its limit of effort, and a plan may
 * exist. `conflict`: these cannot hold together. `minimal`: without any one of them the rest can, which was shown by a plan each
 * time; false: for some of them the limit of effort was reached.
 */
export type PlacementRefusal = Readonly<{
  outcome: "refusal";
  proved: boolean;
  minimal: boolean;
  conflict: readonly Constraint[];
  remedies: readonly Remedy[];
  notes: readonly BilingualText[];
  text: BilingualText;
}>;

export type PlacementAnswer = PlacementPlan | PlacementRefusal;

/** A request that can't be read: names the field, what was wrong and what to do. */
export class PlacementInputError extends Error {
  readonly field: string;
  readonly fix: string;

  constructor(field: string, problem: string, fix: string) {
    super(`${field}: ${problem}; ${fix}`);
    this.name = "PlacementInputError";
    this.field = field;
    this.fix = fix;
  }
}
