import { isIPv4 } from "node:net";
import { isAbsolute } from "node:path";
import { linkConfigProblem, type LinkConfig } from "./link/link-config.ts";
import type { BridgeConfig } from "./plumbing/host-network.ts";
import type { ProbeTiming } from "./plumbing/plumb.ts";
import type { ExtraRoute } from "./plumbing/wanted-routes.ts";

/** Where the agent learns of its pods and its grant. */
export type PodsConfig =
  | Readonly<{ kind: "kubernetes"; kubeconfig: string }>
  | Readonly<{ kind: "file"; path: string }>;

/** Where sessions find what they need: `wcs-cage`, containerd's running containers, pods' logs. */
export type SessionsConfig = Readonly<{ cageProgram: string; tasksFolder: string; podLogsFolder: string }>;

/** The agent's configuration file, JSON. Times are in milliseconds. */
export type AgentConfig = Readonly<{
  /** The Node's name. */
  node: string;
  /** The host's name in the estate; null: it is the Node's. */
  host: string | null;
  stateFolder: string;
  /** Where `wecni` finds the agent. */
  cniSocket: string;
  adminSocket: string;
  tombstoneFolder: string;
  /** Where instances' log folders are. */
  logFolder: string;
  bridges: Readonly<Record<string, BridgeConfig>>;
  pods: PodsConfig;
  conflictProbe: ProbeTiming;
  gatewayProbe: ProbeTiming;
  /** Routes that every pod has by its first NIC besides, such as the cluster's services by the host. */
  extraRoutes: readonly ExtraRoute[];
  antiSpoofing: boolean;
  podWaitMs: number;
  leakLookMs: number;
  leakGraceMs: number;
  /** The link to the platform's servers; null: none, and the host works without. */
  link: LinkConfig | null;
  /** So long the gateway may be silent before the ports of instances are shut; well under the time after which a host counts as lost. */
  isolationMs: number;
  /** Sessions in this host's containers; null: none. */
  sessions: SessionsConfig | null;
}>;

const defaults = {
  host: null,
  stateFolder: "/var/lib/wcs/agent",
  cniSocket: "/run/wcs/cni.sock",
  adminSocket: "/run/wcs/agent.sock",
  tombstoneFolder: "/var/lib/wcs/agent/tombstones",
  // core/instance's logFolderOnHost names it in the volumes.
  logFolder: "/var/log/wcs",
  // A rack answers within a millisecond; RFC 5227 waits seconds, for networks of another kind.
  conflictProbe: { waitMs: 30, attempts: 2 },
  gatewayProbe: { waitMs: 500, attempts: 5 },
  extraRoutes: [],
  antiSpoofing: true,
  podWaitMs: 3_000,
  leakLookMs: 30_000,
  leakGraceMs: 60_000,
  link: null,
  isolationMs: 20_000,
  sessions: null,
} as const;

/** A configuration that can't be used; every problem is named by its field. */
export class AgentConfigError extends Error {}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Reads the configuration file's text. Throws an `AgentConfigError`. */
export function parseAgentConfig(text: string): AgentConfig {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch (error) {
    throw new AgentConfigError(`not JSON: ${String(error)}`, { cause: error });
  }
  if (!isObject(read)) throw new AgentConfigError("must be a JSON object");
  const given: Record<string, unknown> = { ...defaults, ...read };
  const problems: string[] = [];
  const need = (field: string, ok: boolean, what: string) => {
    if (!ok) problems.push(`${field} must be ${what}`);
  };
  const known = new Set([...Object.keys(defaults), "node", "bridges", "pods"]);
  for (const key of Object.keys(read)) if (!known.has(key)) problems.push(`${key} is not known`);
  const isPath = (value: unknown) => typeof value === "string" && isAbsolute(value);
  need("node", typeof given["node"] === "string" && given["node"] !== "", "the Node's name");
  const { host } = given;
  need("host", host === null || (typeof host === "string" && host !== ""), "the host's name in the estate, or null");
  for (const field of ["stateFolder", "cniSocket", "adminSocket", "tombstoneFolder", "logFolder"]) {
    need(field, isPath(given[field]), "an absolute path");
  }
  for (const field of ["podWaitMs", "leakLookMs", "leakGraceMs", "isolationMs"]) {
    need(field, Number.isInteger(given[field]) && Number(given[field]) >= 0, "a number of milliseconds");
  }
  need("antiSpoofing", typeof given["antiSpoofing"] === "boolean", "true or false");
  for (const field of ["conflictProbe", "gatewayProbe"]) {
    const probe = given[field];
    const ok = isObject(probe) && Number.isFinite(probe["waitMs"]) && Number.isInteger(probe["attempts"]);
    need(field, ok && Number(probe["waitMs"]) >= 0 && Number(probe["attempts"]) >= 1, '{"waitMs":30,"attempts":2}');
  }
  const { bridges, pods, extraRoutes } = given;
  const areas = isObject(bridges) ? Object.entries(bridges) : [];
  need("bridges", areas.length > 0, '{"core":{"bridge":"br0","uplink":"eth0"}}');
  for (const [area, entry] of areas) {
    const ok = isObject(entry) && typeof entry["bridge"] === "string" && typeof entry["uplink"] === "string";
    need(`bridges.${area}`, ok, '{"bridge":"br0","uplink":"eth0"}');
  }
  const podsOk =
    isObject(pods) &&
    ((pods["kind"] === "kubernetes" && isPath(pods["kubeconfig"])) ||
      (pods["kind"] === "file" && isPath(pods["path"])));
  need("pods", podsOk, '{"kind":"kubernetes","kubeconfig":"/…"} or {"kind":"file","path":"/…"}');
  const routes: unknown[] = Array.isArray(extraRoutes) ? extraRoutes : [null];
  for (const [index, route] of routes.entries()) {
    const ok = isObject(route) && typeof route["to"] === "string" && isIPv4(String(route["via"]));
    need(`extraRoutes[${index}]`, ok, '{"to":"10.96.0.0/12","via":"10.100.1.1"}');
  }
  const linkProblem = given["link"] === null ? null : linkConfigProblem(given["link"]);
  const { sessions } = given;
  if (sessions !== null) {
    for (const field of ["cageProgram", "tasksFolder", "podLogsFolder"]) {
      need(`sessions.${field}`, isObject(sessions) && isPath(sessions[field]), "an absolute path");
    }
  }
  if (linkProblem !== null) problems.push(linkProblem);
  if (problems.length > 0) throw new AgentConfigError(problems.join("; "));
  return given as AgentConfig;
}
