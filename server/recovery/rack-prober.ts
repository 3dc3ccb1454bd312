import { LinkError } from "@wcs/api/agent-link";
import { instancesOnHost, probeAddress } from "@wcs/api/recovery";
import type { FencedInstance } from "@wcs/core/ipam";
import type { AgentLinks } from "../agent-link/index.ts";
import type { Query } from "../database/database.ts";

/** A question to a rack: does anybody answer for this address? Asked from a host of the rack other than `notHost`. */
export type RackQuestion = Readonly<{ rack: string; area: string; ip: string; notHost: string }>;

/** Who asked and the MAC that answered (null: silence), or why nobody could ask. */
export type RackAnswer = Readonly<{ askedBy: string; mac: string | null } | { problem: string }>;

/** The agents of hosts as recoveries use them. */
export type RackProber = Readonly<{
  ask: (query: Query, question: RackQuestion) => Promise<RackAnswer>;
  /** The instances that have a network on a host, or why that can't be known. */
  instancesOn: (host: string) => Promise<readonly FencedInstance[] | Readonly<{ problem: string }>>;
}>;

const timeoutMs = 3_000;
/** So many hosts of a rack are asked in turn when the first do not answer. */
const mostHosts = 5;

/** Asks through the agents that are linked to this server. */
export function rackProber(agents: Pick<AgentLinks, "call" | "isLinked">): RackProber {
  return {
    ask: async (query, { rack, area, ip, notHost }) => {
      const rows = await query<{ name: string }>(
        "SELECT name FROM hosts WHERE rack = $1 AND name <> $2 ORDER BY name",
        [rack, notHost],
      );
      const linked = rows.map(({ name }) => name).filter((host) => agents.isLinked(host));
      const failures: string[] = [];
      for (const host of linked.slice(0, mostHosts)) {
        try {
          const { mac } = await agents.call({ host, method: probeAddress, body: { area, ip }, timeoutMs });
          return { askedBy: host, mac };
        } catch (error) {
          if (!(error instanceof LinkError)) throw error;
          failures.push(`${host}: ${error.message}`);
        }
      }
      const problem = failures.length === 0 ? `no other host of rack ${rack} has a linked agent` : failures.join("; ");
      return { problem };
    },
    instancesOn: async (host) => {
      try {
        return (await agents.call({ host, method: instancesOnHost, body: {}, timeoutMs })).instances;
      } catch (error) {
        if (!(error instanceof LinkError)) throw error;
        return { problem: `its agent does not answer (${error.message})` };
      }
    },
  };
}
