/**
 * The states of an instance. The first three are promises on paper; `released` to `lost` say what is seen of its container; the rest
 * is its end. What it should do (run, stand still, go) is the instance's wish, kept apart from what is seen.
 */
export const instanceStates = [
  "requested",
  "reserved",
  "delivered",
  "released",
  "starting",
  "ready",
  "unready",
  "stopping",
  "stopped",
  "lost",
  "moving",
  "retiring",
  "retired",
  "cancelled",
] as const;
export type InstanceState = (typeof instanceStates)[number];

/** What the people who own an instance want of it. */
export type InstanceWish = "run" | "stop" | "retire";

/** States in which a container of the instance may exist, so that only observation moves it from one to another. */
const seen = ["released", "starting", "ready", "unready", "stopping", "stopped", "lost", "moving"] as const;

const next: Readonly<Record<InstanceState, readonly InstanceState[]>> = {
  requested: ["reserved", "cancelled"],
  reserved: ["delivered", "retiring"],
  delivered: ["released", "retiring"],
  released: [...seen, "retiring"],
  starting: [...seen, "retiring"],
  ready: [...seen, "retiring"],
  unready: [...seen, "retiring"],
  stopping: [...seen, "retiring"],
  stopped: [...seen, "retiring"],
  lost: [...seen, "retiring"],
  moving: [...seen, "retiring"],
  retiring: ["retired"],
  retired: [],
  cancelled: [],
};

/** Null when an instance may go from one state to the other, and why not otherwise. To stay where it is is always allowed. */
export function transitionProblem(from: InstanceState, to: InstanceState): string | null {
  if (from === to || next[from].includes(to)) return null;
  const allowed = next[from].filter((state) => state !== from);
  return allowed.length === 0
    ? `a ${from} instance stays ${from}`
    : `a ${from} instance cannot become ${to}; it can become ${allowed.join(", ")}`;
}

/** True from the promise of host, capacity and addresses until they are given back. */
export function holdsCapacity(state: InstanceState): boolean {
  return state !== "requested" && state !== "retired" && state !== "cancelled";
}
