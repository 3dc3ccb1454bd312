import { createAccess } from "../access/create-access.ts";
import { readAccess, scopeOfAccess } from "../access/access-store.ts";
import { createAudit } from "../audit/create-audit.ts";
import { createClusters } from "../cluster/create-clusters.ts";
import { createCmdb } from "../cmdb/create-cmdb.ts";
import { createEstate } from "../estate/create-estate.ts";
import { missingInEstate, readEstate } from "../estate/read-estate.ts";
import { createWatch } from "../events/create-watch.ts";
import { createHealth } from "../health/create-health.ts";
import { createIpam } from "../ipam/index.ts";
import { createLogin } from "../login/create-login.ts";
import { createMaintenance } from "../maintenance/create-maintenance.ts";
import { createTokens, type SubjectScope } from "../token/create-tokens.ts";
import type { Feature, Platform } from "./platform.ts";

/** Every feature of the server. A new one is a folder `server/<noun>/` and a line here (docs/server.md). */
export function createFeatures(platform: Platform): readonly Feature[] {
  const scopeOfSubject: SubjectScope = async (query, { kind, name }) => {
    if (kind === "Person") return (await readEstate(query, kind, name))?.scope ?? null;
    const account = await readAccess(query, "ServiceAccount", name);
    return account === null ? null : scopeOfAccess("ServiceAccount", account.spec);
  };
  return [
    createAccess(platform, missingInEstate),
    createAudit(platform),
    createClusters(platform, {
      scopeOf: async (query, cluster) => (await readEstate(query, "Cluster", cluster))?.scope ?? null,
      quotasOf: async () => [],
    }),
    createCmdb(platform),
    createEstate(platform),
    createHealth(platform),
    createIpam(platform, {
      annotations: async () => null,
      live: async () => null,
      scopeOfSubsystem: async (query, subsystem) => (await readEstate(query, "Subsystem", subsystem))?.scope ?? null,
    }),
    createLogin(platform, (query, name) => scopeOfSubject(query, { kind: "Person", name })),
    createMaintenance(platform),
    createTokens(platform, scopeOfSubject),
    createWatch(platform),
  ];
}
