import { UsageError } from "../program/usage-error.ts";
import { estateNouns } from "./estate-nouns.ts";
import type { ResourceView } from "./resource-view.ts";

/** The nouns that a resource is called by, and its view, loaded when it is asked for. */
type ResourceEntry = Readonly<{ nouns: readonly string[]; load: () => Promise<ResourceView> }>;

/** Every resource of `get`, `describe` and `delete`; the first noun is the plural. A feature adds a line. */
export const resources: readonly ResourceEntry[] = [
  ...estateNouns.map(({ kind, nouns }) => ({
    nouns,
    load: async () => {
      if (kind === "Subnet") return (await import("./subnet-view.ts")).subnetView();
      if (kind === "Pool") return (await import("./pool-view.ts")).poolView();
      return (await import("./estate-view.ts")).estateView(kind);
    },
  })),
  {
    nouns: ["cluster-connections", "cluster-connection"],
    load: async () => (await import("./cluster-connection-view.ts")).clusterConnectionView,
  },
  { nouns: ["groups", "group"], load: async () => (await import("./access-views.ts")).accessView("Group") },
  {
    nouns: ["service-accounts", "service-account", "serviceaccount"],
    load: async () => (await import("./access-views.ts")).accessView("ServiceAccount"),
  },
  { nouns: ["roles", "role"], load: async () => (await import("./access-views.ts")).accessView("Role") },
  {
    nouns: ["role-bindings", "role-binding", "rolebinding"],
    load: async () => (await import("./access-views.ts")).accessView("RoleBinding"),
  },
  { nouns: ["agents", "agent"], load: async () => (await import("./agent-view.ts")).agentView },
  { nouns: ["sessions", "session"], load: async () => (await import("./session-view.ts")).sessionView },
  { nouns: ["templates", "template"], load: async () => (await import("./template-view.ts")).templateView },
  { nouns: ["grants", "grant"], load: async () => (await import("./grant-view.ts")).grantView },
  { nouns: ["requests", "request"], load: async () => (await import("./request-view.ts")).requestView },
  { nouns: ["instances", "instance"], load: async () => (await import("./instance-view.ts")).instanceView },
  {
    nouns: ["freeze-windows", "freeze-window"],
    load: async () => (await import("./freeze-window-view.ts")).freezeWindowView,
  },
  { nouns: ["releases", "release"], load: async () => (await import("./release-view.ts")).releaseView },
  { nouns: ["recoveries", "recovery"], load: async () => (await import("./recovery-view.ts")).recoveryView },
  { nouns: ["ips", "ip"], load: async () => (await import("./ip-view.ts")).ipView },
  {
    nouns: ["ip-differences", "ip-difference"],
    load: async () => (await import("./ip-difference-view.ts")).ipDifferenceView,
  },
  { nouns: ["subnet-usage"], load: async () => (await import("./subnet-usage-view.ts")).subnetUsageView },
  {
    nouns: ["cmdb-targets", "cmdb-target"],
    load: async () => (await import("./cmdb-views.ts")).cmdbTargetView,
  },
  {
    nouns: ["cmdb-deliveries", "cmdb-delivery"],
    load: async () => (await import("./cmdb-views.ts")).cmdbDeliveryView,
  },
  { nouns: ["tokens", "token"], load: async () => (await import("./token-view.ts")).tokenView },
];

/** Finds the resource of a noun, whatever its case; throws a UsageError that lists them otherwise. */
export async function findResource(noun: string | undefined): Promise<ResourceView> {
  const known = resources.map(({ nouns }) => nouns[0]).join(", ");
  if (noun === undefined) throw new UsageError(`name a resource: ${known}`, `请指定资源：${known}`);
  const entry = resources.find(({ nouns }) => nouns.includes(noun.toLowerCase()));
  if (entry === undefined) {
    throw new UsageError(`there is no resource "${noun}"; there are: ${known}`, `没有资源 "${noun}"；可用：${known}`);
  }
  return await entry.load();
}
