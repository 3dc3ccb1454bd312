import type { Demand } from "./demand.ts";
import type { ConstraintKey } from "./rule-names.ts";

/** The kinds of place that a limit can be about. A candidate is a host, or an instance that may be kept. */
export const localDomains = ["host", "rack", "cluster", "idc", "pool", "candidate"] as const;
export type LocalDomain = (typeof localDomains)[number];

/**
 * Limits of one rule, one for each place of a kind: what the units there weigh together is at most `caps[base + place]`. A soft
 * family does not forbid; what is over its limits costs `softPenalty`
 * for what one instance weighs.
 */
export type Family = Readonly<{
  key: ConstraintKey;
  domain: LocalDomain;
  /** Which resource it is about, -1 for none. */
  resource: number;
  base: number;
  size: number;
  soft: boolean;
  /** The place of each candidate: the limit that binds candidate `j` is `base + places[j]`. */
  places: Int32Array;
}>;

/**
 * A rule that is broken whatever the plan is: `over` too many are in the domain already. `domain` and `index` say where;
 * index -1: in no domain of the world (a hypervisor, named by `label`).
 */
export type Contradiction = Readonly<{
  key: ConstraintKey;
  domain: LocalDomain;
  index: number;
  label: string;
  over: number;
}>;

/** An affinity among the demands of the problem; `settled[place]` is 1 where what exists already decides it. */
export type ProblemAffinity = Readonly<{
  kind: "apart" | "together";
  key: ConstraintKey;
  domain: LocalDomain;
  partners: readonly number[];
  settled: Uint8Array;
}>;

/** Businesses whose long-term claims on one pool are limited together (only when the request is of several). */
export type BorrowGuard = Readonly<{
  pool: number;
  resource: number;
  /** What all may claim, less what those that are not in the request do. */
  capacity: number;
  claims: readonly Readonly<{ guarantee: number; longTerm: number; demands: ReadonlyMap<number, number> }>[];
}>;

/** What the solver works on: candidates and demands by small indexes, all rules as limits, costs as numbers. */
export type Problem = Readonly<{
  demands: readonly Demand[];
  candidates: number;
  /** Host of each candidate; and the row of the instance, for those that may be kept, else -1. */
  hosts: Int32Array;
  instances: Int32Array;
  tieKeys: Float64Array;
  /** By kind of place: the place of each candidate, how many places there are, and their indexes in the world. */
  places: Readonly<Record<LocalDomain, Int32Array>>;
  placeCounts: Readonly<Record<LocalDomain, number>>;
  placeIndexes: Readonly<Record<LocalDomain, readonly number[]>>;
  /** By demand * candidates + candidate. */
  allowed: Uint8Array;
  fixedCosts: Float64Array;
  /** Static rules that are only soft here and that the candidate breaks. */
  softRules: ReadonlyMap<number, readonly ConstraintKey[]>;
  families: readonly Family[];
  caps: Float64Array;
  /** The families that a demand takes part in, and the weight of one of its instances there. */
  demandFamilies: readonly (readonly number[])[];
  demandWeights: readonly (readonly number[])[];
  /** Which of a demand's families are soft, by their place in its list. */
  softFamilies: readonly (readonly number[])[];
  /** Deployments among the demands, and how many of their instances and VMs stay where they are. */
  teams: readonly number[];
  teamCount: number;
  basePairs: Readonly<Record<"host" | "rack" | "cluster", Int32Array>>;
  /** CPU and memory of an instance of the big class of the candidate host's pool; -1: the pool has none. */
  bigCpu: Int32Array;
  bigMemory: Int32Array;
  /** Free CPU and memory of each host place before. */
  freeCpu: Float64Array;
  freeMemory: Float64Array;
  needCpu: readonly number[];
  needMemory: readonly number[];
  profiles: readonly number[];
  profileCount: number;
  ioHeavy: readonly boolean[];
  ioSensitive: readonly boolean[];
  affinities: readonly (readonly ProblemAffinity[])[];
  hasAffinity: boolean;
  guards: readonly BorrowGuard[];
  contradictions: readonly Contradiction[];
  /** Every host that may be used is a candidate, so that "no plan" is a proof. */
  complete: boolean;
}>;

/** Points for one instance over a soft limit: far above any score, so that as little as possible is over. */
export const softPenalty = 1e6;
