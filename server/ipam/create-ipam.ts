import type { AnnotatedNic, LiveWorld } from "@wcs/core/ipam";
import type { AgentLinks } from "../agent-link/index.ts";
import type { ClusterLinks } from "../cluster/cluster-links.ts";
import { transaction, type ActContext } from "../database/transaction.ts";
import type { Feature, Platform } from "../program/platform.ts";
import type { Reconciler } from "../reconcile/reconciler.ts";
import { collectLeaks, leakGraceMs } from "./collect-leaks.ts";
import { compareLedger } from "./compare-ledger.ts";
import { estateFollower } from "./follow-estate.ts";
import { blockGranter } from "./grant-blocks.ts";
import { hostReportRoutes, takeReportsOf } from "./host-report-routes.ts";
import { ipActRoutes } from "./ip-acts.ts";
import { ipReadRoutes } from "./ip-routes.ts";
import { registerIpamMetrics } from "./ipam-metrics.ts";
import { policyRoutes, type SubsystemScope } from "./policy-routes.ts";
import { reclaimAddresses } from "./reclaim-addresses.ts";

/** What the ledger asks other features. Null: they can't say in full, and nothing is concluded. */
export type IpamSources = Readonly<{
  annotations: () => Promise<readonly AnnotatedNic[] | null>;
  live: () => Promise<LiveWorld | null>;
  scopeOfSubsystem: SubsystemScope;
  links: ClusterLinks;
  agents: Pick<AgentLinks, "handle">;
}>;

const reclaimEveryMs = 5000;
const compareEveryMs = 60_000;
const collectEveryMs = 300_000;

/** The address ledger: its routes, and what it does by itself. */
export function createIpam(platform: Platform, sources: IpamSources): Feature {
  const { database, metrics } = platform;
  registerIpamMetrics(metrics, database.query);
  takeReportsOf(sources.agents, platform);
  return {
    routes: [
      ...ipReadRoutes(platform),
      ...ipActRoutes(),
      ...policyRoutes(platform, sources.scopeOfSubsystem),
      ...hostReportRoutes(platform),
    ],
    reconcilers: [
      estateFollower(platform, systemContext("ipam-estate")),
      blockGranter(platform, sources.links, systemContext("ipam-grants")),
      periodic("ipam-reclaim", reclaimEveryMs, async (context) => {
        while ((await transaction(database, { context }, reclaimAddresses)).more);
      }),
      periodic("ipam-compare", compareEveryMs, async (context) => {
        await compareLedger(database, { context, annotations: sources.annotations });
      }),
      periodic("ipam-leaks", collectEveryMs, async (context) => {
        await collectLeaks(database, { context, live: sources.live, graceMs: leakGraceMs });
      }),
    ],
  };
}

/** A reconciler of one key that comes back by itself. */
function periodic(name: string, everyMs: number, work: (context: ActContext) => Promise<void>): Reconciler {
  return {
    name,
    keys: async () => ["all"],
    keysOf: () => [],
    reconcile: async () => {
      await work(systemContext(name));
      return { againAfterMs: everyMs };
    },
    resyncMs: 600_000,
    workers: 1,
  };
}

/** The context of what the ledger does by itself. */
export function systemContext(name: string): ActContext {
  const actor = { kind: "System", name, tokenId: null } as const;
  return { actor, from: "local", requestId: name, act: name, reason: null, ticket: null };
}
