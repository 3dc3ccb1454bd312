/** An instance on a lost host, and where placement would put it: a host of the same rack, or why there is none. */
export type RecoverCandidate = Readonly<{
  instance: string;
  /** A is the most important. */
  importance: "A" | "B" | "C" | "D";
  destination: Readonly<{ host: string } | { refusal: string }>;
}>;

/** How much is moved at once, so that neither the rack nor the applications' peers are hit by everything starting together. */
export type RecoverBudget = Readonly<{ instancesPerBatch: number; instancesPerHost: number }>;

export type RecoverPlan = Readonly<{
  host: string;
  batches: readonly (readonly Readonly<{ instance: string; toHost: string }>[])[];
  /** Instances that stay lost, with the reason. */
  left: readonly Readonly<{ instance: string; reason: string }>[];
}>;

/** The batches in which a lost host's instances move, the most important first. Same input, same plan. */
export function planRecovery(input: {
  host: string;
  candidates: readonly RecoverCandidate[];
  budget: RecoverBudget;
}): RecoverPlan {
  const { instancesPerBatch, instancesPerHost } = input.budget;
  if (instancesPerBatch < 1 || instancesPerHost < 1) throw new RangeError("a budget is at least one instance");
  const ordered = [...input.candidates].sort((a, b) =>
    a.importance === b.importance ? (a.instance < b.instance ? -1 : 1) : a.importance < b.importance ? -1 : 1,
  );
  const batches: { instance: string; toHost: string }[][] = [];
  const left: { instance: string; reason: string }[] = [];
  for (const { instance, destination } of ordered) {
    if ("refusal" in destination) {
      left.push({ instance, reason: destination.refusal });
      continue;
    }
    const toHost = destination.host;
    if (toHost === input.host) throw new TypeError(`${instance} would move to the lost host itself`);
    const open = batches.find(
      (batch) =>
        batch.length < instancesPerBatch && batch.filter((move) => move.toHost === toHost).length < instancesPerHost,
    );
    if (open === undefined) batches.push([{ instance, toHost }]);
    else open.push({ instance, toHost });
  }
  return { host: input.host, batches, left };
}
