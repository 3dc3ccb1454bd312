import type { InstanceLifetime, PlacementRules, SurvivalRule } from "./estate.ts";

/**
 * A number of equal instances of one deployment that the solver places together, or (`keep`) that many of the existing ones
 * that it chooses to keep.
 */
export type Demand = Readonly<{
  kind: "place" | "keep";
  /** Which of the request's items it came from; -1 for a replacement. */
  item: number;
  deployment: number;
  count: number;
  class: number;
  /** An area index for each NIC. */
  nics: readonly number[];
  lifetime: InstanceLifetime;
  business: number;
  subsystem: number;
  dcn: number;
  /** Pools it may use. */
  pools: readonly number[];
  rules: PlacementRules;
  /** Where the instances that are replaced were; -1 for new ones. */
  previousHost: number;
  /** The only rack it may be in; -1: any. */
  rack: number;
  /** Rows of the instances that are replaced, or from which those to keep are chosen. */
  instances: readonly number[];
  /** The only host it may be on; absent: any. */
  onlyHost?: number;
}>;

/** A survival rule of a deployment, or of a subsystem in a DCN group, with what it amounts to after the request. */
export type SurvivalLimit = Readonly<{
  rule: SurvivalRule;
  subsystem: number;
  deployments: readonly number[];
  /** Instances and VMs there will be. */
  total: number;
  /** At most so many of them in one domain. */
  most: number;
}>;

/** All that a request asks of the solver. */
export type DemandSet = Readonly<{
  demands: readonly Demand[];
  survival: readonly SurvivalLimit[];
  /** Rows of existing instances about which the solver decides: they do not count as being where they are. */
  decided: ReadonlySet<number>;
}>;

/** The most instances of `total` in one domain, so that `sharePercent` of them are left without it. */
export function mostInOneDomain(total: number, sharePercent: number): number {
  return total - Math.ceil((total * sharePercent) / 100);
}
