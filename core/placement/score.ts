/**
 * The soft rules: what each counts, and how many points one of it costs. Lower is better. Documented in docs/placement.md; the
 * independent model of the tests (placement-check) writes the same sums down a second time.
 */
export const scoreParts = [
  "hostSpread",
  "rackSpread",
  "clusterSpread",
  "similarProfile",
  "ioConflict",
  "databaseDistance",
  "wholeHosts",
  "hostLoad",
  "ipFill",
  "stay",
  "keep",
] as const;

export type ScorePart = (typeof scoreParts)[number];

export const scoreUnits: Readonly<Record<ScorePart, string>> = {
  hostSpread: "pairs of instances of one subsystem and DCN on one host",
  rackSpread: "pairs of instances of one subsystem and DCN in one rack, VMs counted",
  clusterSpread: "pairs of instances of one subsystem and DCN in one cluster",
  similarProfile: "pairs of instances of one profile on one host",
  ioConflict: "pairs of an IO-heavy and an IO-sensitive instance on one host",
  databaseDistance: "instances in another rack than the DCN's database",
  wholeHosts: "places for an instance of the pool's big class lost",
  hostLoad: "instances times the share of their host's CPU or memory in use before (the larger)",
  ipFill: "NICs times the share of their rack's fixed IPs of the area in use before",
  stay: "steps away from where it was: 1 same rack, 2 same cluster, 3 farther",
  keep: "instances kept that had better go: 1 temporary, 1 borrowed, 4 on a host, rack or cluster not available",
};

/** Points for one unit. */
export const scoreWeights: Readonly<Record<ScorePart, number>> = {
  hostSpread: 8,
  rackSpread: 4,
  clusterSpread: 0.25,
  similarProfile: 0.5,
  ioConflict: 6,
  databaseDistance: 0.5,
  wholeHosts: 1,
  hostLoad: 4,
  ipFill: 2,
  stay: 3,
  keep: 5,
};

export type ScorePartValue = Readonly<{ amount: number; points: number }>;

export type Score = Readonly<{ total: number; parts: Readonly<Partial<Record<ScorePart, ScorePartValue>>> }>;

/** One number for each part, by its place in `scoreParts`. */
export type PartAmounts = Float64Array;

export const partIndex = Object.fromEntries(scoreParts.map((part, at) => [part, at])) as Readonly<
  Record<ScorePart, number>
>;

export function createPartAmounts(): PartAmounts {
  return new Float64Array(scoreParts.length);
}

/** The score of summed amounts; parts that are nought are left out. */
export function scoreOf(amounts: PartAmounts): Score {
  let total = 0;
  const parts: Partial<Record<ScorePart, ScorePartValue>> = {};
  for (const [at, part] of scoreParts.entries()) {
    // Rounded, so that the order in which they were added up does not show.
    const amount = Math.round(amounts[at]! * 1e9) / 1e9;
    if (amount === 0) continue;
    const points = amount * scoreWeights[part];
    parts[part] = { amount, points };
    total += points;
  }
  return { total, parts };
}
