/** An instance that a release may touch. */
export type ReleaseTarget = Readonly<{ instance: string; dcn: string; dcnGroup: string; cluster: string }>;

/** How a release goes through its instances. */
export type BatchStrategy = Readonly<{
  /** A first, small batch: so many instances, or all of one DCN. */
  canary: Readonly<{ instances: number }> | Readonly<{ dcn: string }> | null;
  /** Then so many instances at a time, or one DCN after the other with so many at once. */
  batch: Readonly<{ instances: number }> | Readonly<{ dcnAtOnce: number }>;
  /** Several DCNs of one group may be in one batch. They hold the same customers, so by default they may not. */
  groupTogether: boolean;
  /** At most this share of a DCN's chosen instances is not Ready at once because of the release, in percent, rounded up. */
  dcnSharePercent: number;
  pauseAfter: "none" | "canary" | "every" | readonly number[];
}>;

export const defaultStrategy: BatchStrategy = {
  canary: { instances: 1 },
  batch: { instances: 10 },
  groupTogether: false,
  dcnSharePercent: 50,
  pauseAfter: "canary",
};

/** Instances that change together. `atOnce`: how many of them may be on their way to Ready at a time. */
export type ReleaseBatch = Readonly<{
  number: number;
  canary: boolean;
  instances: readonly string[];
  atOnce: number;
  pauseAfter: boolean;
}>;

/** The batches of a release, or why there are none. Same input, in whatever order, same batches. */
export function planBatches(
  targets: readonly ReleaseTarget[],
  strategy: BatchStrategy,
): { batches: readonly ReleaseBatch[] } | { problem: string } {
  const problem = strategyProblem(targets, strategy);
  if (problem !== null) return { problem };
  let left = [...targets].sort((a, b) => compare(a.dcn, b.dcn) || compare(a.instance, b.instance));
  const perDcn = Map.groupBy(left, ({ dcn }) => dcn);
  const share = (dcn: string) => Math.ceil(((perDcn.get(dcn)?.length ?? 0) * strategy.dcnSharePercent) / 100);
  const batches: Omit<ReleaseBatch, "pauseAfter">[] = [];
  const add = (chosen: readonly ReleaseTarget[], atOnce: number, canary: boolean) => {
    left = left.filter((target) => !chosen.includes(target));
    batches.push({ number: batches.length + 1, canary, instances: chosen.map(({ instance }) => instance), atOnce });
  };
  const takeSome = (size: number) => {
    const chosen: ReleaseTarget[] = [];
    for (const target of left) {
      if (chosen.length === size) break;
      const member = chosen.find(({ dcnGroup }) => dcnGroup === target.dcnGroup);
      if (!strategy.groupTogether && member !== undefined && member.dcn !== target.dcn) continue;
      if (chosen.filter(({ dcn }) => dcn === target.dcn).length >= share(target.dcn)) continue;
      chosen.push(target);
    }
    return chosen;
  };

  if (strategy.canary !== null) {
    const { canary } = strategy;
    if ("dcn" in canary) {
      add(
        left.filter(({ dcn }) => dcn === canary.dcn),
        share(canary.dcn),
        true,
      );
    } else add(takeSome(canary.instances), canary.instances, true);
  }
  const { batch } = strategy;
  if ("dcnAtOnce" in batch) {
    for (const dcn of new Set(left.map((target) => target.dcn))) {
      add(
        left.filter((target) => target.dcn === dcn),
        Math.min(batch.dcnAtOnce, share(dcn)),
        false,
      );
    }
  } else {
    while (left.length > 0) add(takeSome(batch.instances), batch.instances, false);
  }
  return {
    batches: batches.map((planned) => ({ ...planned, pauseAfter: pausesAfter(planned, batches.length, strategy) })),
  };
}

/** After the last batch there is nothing to pause before. */
function pausesAfter(
  batch: Readonly<{ number: number; canary: boolean }>,
  count: number,
  { pauseAfter }: BatchStrategy,
): boolean {
  if (batch.number === count || pauseAfter === "none") return false;
  if (pauseAfter === "every") return true;
  return pauseAfter === "canary" ? batch.canary : pauseAfter.includes(batch.number);
}

function strategyProblem(targets: readonly ReleaseTarget[], strategy: BatchStrategy): string | null {
  if (targets.length === 0) return "no instance is chosen";
  if (new Set(targets.map(({ instance }) => instance)).size !== targets.length) return "an instance is chosen twice";
  const { canary, batch, dcnSharePercent } = strategy;
  if (!Number.isInteger(dcnSharePercent) || dcnSharePercent < 1 || dcnSharePercent > 100) {
    return `dcnSharePercent is ${dcnSharePercent}; use 1 to 100`;
  }
  const size = "dcnAtOnce" in batch ? batch.dcnAtOnce : batch.instances;
  if (!Number.isInteger(size) || size < 1) return `a batch of ${size} is none; use 1 or more`;
  if (canary !== null && "instances" in canary && (!Number.isInteger(canary.instances) || canary.instances < 1)) {
    return `a canary of ${canary.instances} is none; use 1 or more, or leave it out`;
  }
  if (canary !== null && "dcn" in canary && !targets.some(({ dcn }) => dcn === canary.dcn)) {
    return `the canary DCN ${canary.dcn} has none of the chosen instances`;
  }
  return null;
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
