import { nowhere } from "../access/nowhere.ts";
import { createClusters } from "../cluster/create-clusters.ts";
import { createWatch } from "../events/create-watch.ts";
import { createHealth } from "../health/create-health.ts";
import { createIpam } from "../ipam/index.ts";
import { createMaintenance } from "../maintenance/create-maintenance.ts";
import { createTokens } from "../token/create-tokens.ts";
import type { Feature, Platform } from "./platform.ts";

/** Every feature of the server. A new one is a folder `server/<noun>/` and a line here (docs/server.md). */
export function createFeatures(platform: Platform): readonly Feature[] {
  return [
    createClusters(platform, { scopeOf: async () => nowhere, quotasOf: async () => [] }),
    createHealth(platform),
    createIpam(platform, {
      annotations: async () => null,
      live: async () => null,
      scopeOfSubsystem: async () => null,
    }),
    createMaintenance(platform),
    createTokens(platform, async () => null),
    createWatch(platform),
  ];
}
