import type { Query } from "../database/database.ts";

/** A question to a rack: does anybody answer for this address? Asked from a host of the rack other than `notHost`. */
export type RackQuestion = Readonly<{ rack: string; area: string; ip: string; notHost: string }>;

/** Who asked and the MAC that answered (null: silence), or why nobody could ask. */
export type RackAnswer = Readonly<{ askedBy: string; mac: string | null } | { problem: string }>;

export type RackProber = Readonly<{ ask: (query: Query, question: RackQuestion) => Promise<RackAnswer> }>;

/** Asks through the agents of the rack's hosts. */
export function rackProber(): RackProber {
  return { ask: () => Promise.resolve({ problem: "no agent is linked" }) };
}
