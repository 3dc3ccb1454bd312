/** Eight hours: a shift. Who needs longer asks again. */
export const longestGrantMinutes = 480;

// capabilities(7): what debugging needs. None of them leaves the container's namespaces, loads code into the kernel or mounts.
export const grantableCapabilities = [
  "SYS_PTRACE",
  "NET_RAW",
  "NET_ADMIN",
  "SYS_NICE",
  "KILL",
  "DAC_READ_SEARCH",
] as const;

/** What is asked for. `raw`: a plain terminal; `debug`: a debug image beside the container. */
export type GrantWish = Readonly<{
  grade: "raw" | "debug";
  instances: readonly string[];
  capabilities: readonly string[];
  /** The debug image, pinned by its digest; null for `raw`. */
  image: string | null;
  minutes: number;
}>;

/** What decides whether a grant counts; the times are null before its approval. */
export type SealedGrant = Readonly<{
  state: "awaiting-approval" | "approved" | "rejected" | "withdrawn" | "ended" | "expired";
  startsAtMs: number | null;
  endsAtMs: number | null;
}>;

export type GrantEffect = "waiting" | "active" | "over";

/** What is wrong with a wish whose shape is right: where, and what to do. */
export function grantProblems(wish: GrantWish): readonly Readonly<{ pointer: string; message: string }>[] {
  const problems: { pointer: string; message: string }[] = [];
  const report = (pointer: string, message: string): void => void problems.push({ pointer, message });
  const known: readonly string[] = grantableCapabilities;
  for (const [at, capability] of wish.capabilities.entries()) {
    if (known.includes(capability)) continue;
    report(`/capabilities/${at}`, `${capability} is never granted; there are ${known.join(", ")}`);
  }
  if (wish.grade === "debug" && (wish.image === null || !/@sha256:[0-9a-f]{64}$/.test(wish.image))) {
    report("/image", "a debug session has an image pinned by its digest: name@sha256:…");
  }
  if (wish.grade === "raw" && wish.image !== null) {
    report("/image", "a raw session has no image of its own; leave it out");
  }
  if (new Set(wish.instances).size < wish.instances.length) report("/instances", "an instance is named twice");
  return problems;
}

/** Why an approver's word does not count; null when it does. The hash is what they saw. */
export function grantRefusal(input: {
  holder: string;
  approver: string;
  seenHash: string;
  hash: string;
}): string | null {
  if (input.approver === input.holder) return "who asked for it cannot approve it; another person has to";
  return input.seenHash === input.hash ? null : `this is not the grant that you saw; its hash is ${input.hash}`;
}

/** Whether a grant counts at a moment. It ends by its time, whatever is written in its state. */
export function grantEffect(grant: SealedGrant, nowMs: number): GrantEffect {
  if (grant.state === "awaiting-approval") return "waiting";
  if (grant.state !== "approved" || grant.startsAtMs === null || grant.endsAtMs === null) return "over";
  return nowMs >= grant.startsAtMs && nowMs < grant.endsAtMs ? "active" : "over";
}
