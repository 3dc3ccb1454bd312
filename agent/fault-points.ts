/**
 * The steps of ADD and DEL between which a crash must lose nothing and double nothing. A composition root for tests passes a
 * function that ends the process there; the agent's own passes none.
 */
export const faultPoints = [
  "add.planned",
  "add.journaled",
  "add.linked",
  "add.guarded",
  "add.probed",
  "add.configured",
  "add.forwarding",
  "add.announced",
  "add.committed",
  "del.started",
  "del.unplumbed",
  "del.recorded",
] as const;
export type FaultPoint = (typeof faultPoints)[number];

/** Called at every fault point. */
export type Faults = (point: FaultPoint) => Promise<void> | void;
