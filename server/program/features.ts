import { accessUsers } from "../access/access-users.ts";
import { createAccess } from "../access/create-access.ts";
import { readAccess, scopeOfAccess } from "../access/access-store.ts";
import { createAgentLinks } from "../agent-link/agent-links.ts";
import { createAgents } from "../agent-link/create-agents.ts";
import { createAudit } from "../audit/create-audit.ts";
import { createCmdb } from "../cmdb/create-cmdb.ts";
import { createClusterLinks } from "../cluster/cluster-links.ts";
import { clusterEstate } from "../cluster/cluster-estate.ts";
import { clusterUsers } from "../cluster/cluster-users.ts";
import { createClusters } from "../cluster/create-clusters.ts";
import { createEstate } from "../estate/create-estate.ts";
import { missingInEstate, readEstate } from "../estate/read-estate.ts";
import { createWatch } from "../events/create-watch.ts";
import { createHealth } from "../health/create-health.ts";
import { addressLedger } from "../instance/address-ledger.ts";
import { clusterConnections } from "../instance/cluster-connections.ts";
import { instanceUsers } from "../instance/instance-users.ts";
import { createInstances } from "../instance/create-instances.ts";
import { estateLookup } from "../instance/estate-lookup.ts";
import { annotationsOfClusters, liveWorldOf } from "../ipam/cluster-sources.ts";
import { createIpam } from "../ipam/index.ts";
import { createLogin } from "../login/create-login.ts";
import { createMaintenance } from "../maintenance/create-maintenance.ts";
import { createPlacement } from "../placement/create-placement.ts";
import { createPicture } from "../placement/picture.ts";
import { placementService } from "../placement/placement-service.ts";
import { createFreezeWindows } from "../release/create-freeze-windows.ts";
import { releaseUsers } from "../release/release-users.ts";
import { createGrants, scopesOfInstances } from "../privilege-grant/create-grants.ts";
import { createRecoveries, type RecoveryTesting } from "../recovery/create-recoveries.ts";
import { rackProber } from "../recovery/rack-prober.ts";
import { createReleases } from "../release/create-releases.ts";
import { requestUsers } from "../request/request-users.ts";
import { createRequests } from "../request/create-requests.ts";
import { createSecrets } from "../secrets/create-secrets.ts";
import { createSessions } from "../session/create-sessions.ts";
import { createTemplates } from "../template/create-templates.ts";
import { templateUsers } from "../template/template-users.ts";
import { templateService } from "../template/template-service.ts";
import { tokensOfServiceAccount, tokenUsers } from "../token/token-users.ts";
import { createTokens, type SubjectScope } from "../token/create-tokens.ts";
import type { Query } from "../database/database.ts";
import type { Feature, Platform } from "./platform.ts";

/** Every feature of the server. A new one is a folder `server/<noun>/` and a line here (docs/server.md). */
export function createFeatures(platform: Platform, recovery: RecoveryTesting = {}): readonly Feature[] {
  const scopeOfSubject: SubjectScope = async (query, { kind, name }) => {
    if (kind === "Person") return (await readEstate(query, kind, name))?.scope ?? null;
    const account = await readAccess(query, "ServiceAccount", name);
    return account === null ? null : scopeOfAccess("ServiceAccount", account.spec);
  };
  const links = createClusterLinks(platform);
  const scopeOfHost = async (query: Query, host: string) => (await readEstate(query, "Host", host))?.scope ?? null;
  const agents = createAgentLinks(platform, scopeOfHost);
  const picture = createPicture(platform, links);
  const neighbours = {
    estate: estateLookup,
    clusters: clusterConnections(links),
    placement: placementService(picture),
    addresses: addressLedger,
  };
  const mainJob = { neighbours, templates: templateService, timeZone: "Asia/Shanghai" };
  const usersElsewhere = [
    accessUsers,
    clusterUsers,
    instanceUsers,
    releaseUsers,
    requestUsers,
    templateUsers,
    tokenUsers,
  ];
  return [
    createAccess(platform, { missingInEstate, tokensOf: tokensOfServiceAccount }),
    createAgents(platform, { agents, scopeOfHost }),
    createAudit(platform),
    createClusters(platform, { links, estate: clusterEstate }),
    createCmdb(platform),
    createEstate(platform, usersElsewhere),
    createFreezeWindows(platform, estateLookup),
    createGrants(platform, scopesOfInstances),
    createHealth(platform),
    createInstances(platform, mainJob),
    createIpam(platform, {
      links,
      agents,
      annotations: () => annotationsOfClusters(platform.database.query, links),
      live: () => liveWorldOf(platform.database.query, links),
      scopeOfSubsystem: async (query, subsystem) => (await readEstate(query, "Subsystem", subsystem))?.scope ?? null,
    }),
    createLogin(platform, (query, name) => scopeOfSubject(query, { kind: "Person", name })),
    createMaintenance(platform),
    createPlacement(platform, picture),
    createRecoveries(platform, { neighbours, prober: rackProber(agents), faults: () => undefined, ...recovery }),
    createReleases(platform, mainJob),
    createRequests(platform, mainJob),
    createSecrets(platform),
    createSessions(platform, { agents, namespaceOf: neighbours.clusters.namespaceOf }),
    createTemplates(platform, async (query, id) => (await estateLookup.subsystem(query, id))?.business ?? null),
    createTokens(platform, { scopeOfSubject, missingInEstate }),
    createWatch(platform),
  ];
}
