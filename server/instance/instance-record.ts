import type { Scope } from "@wcs/core/access-rights";
import type { Drift, InstanceState, InstanceWish } from "@wcs/core/instance";
import type { ParameterValues } from "@wcs/core/template";
import type { Query, Row } from "../database/database.ts";

/** What an instance is to run: a version of its subsystem's template, values, and an image. */
export type InstanceDesignRecord = Readonly<{
  template: number;
  parameters: ParameterValues;
  imageDigest: string;
}>;

/** What was last seen of an instance's pod. Times are the cluster's. */
export type InstanceObservation = Readonly<{
  podUid: string | null;
  /** The present pod's or that of the last there was. */
  lastPodUid: string | null;
  /** The `wcs.io/version` of the pod, and the one that is meant. */
  podVersion: string | null;
  meantVersion: string | null;
  /** The release whose design was meant when this was seen. */
  meantRelease: string | null;
  podRelease: string | null;
  readySinceMs: number | null;
  restarts: number;
  runningDigest: string | null;
  /** Trouble that will not mend by waiting. */
  trouble: string | null;
}>;

export type InstanceRecord = Readonly<{
  name: string;
  number: number;
  subsystem: string;
  business: string;
  dcn: string;
  dcnGroup: string;
  environment: string;
  idc: string;
  cluster: string;
  rack: string;
  host: string;
  node: string;
  pool: string;
  class: string;
  lifetime: "long-term" | "temporary";
  borrowed: boolean;
  nics: readonly Readonly<{ nic: string; area: string; subnet: string; ip: string }>[];
  wish: InstanceWish;
  state: InstanceState;
  stateReason: string;
  stateSince: string;
  release: string | null;
  design: InstanceDesignRecord | null;
  observed: InstanceObservation | null;
  drift: readonly Drift[];
  heldBy: string | null;
  /** The uid of the pod that somebody has asked to be made anew. */
  restartOf: string | null;
  /** A move off a lost host that is decided and not finished; nothing of it is brought to a cluster before the old host is fenced. */
  move: Readonly<{ recovery: string; fenced: boolean }> | null;
  request: string;
  version: number;
  createdAt: string;
  retiredAt: string | null;
}>;

type InstanceRow = Row & Readonly<Record<string, unknown>>;

/** The columns that a row of `instances` is read by. */
export const instanceColumns = `name, number, subsystem, business, dcn, dcn_group, environment, idc, cluster, rack, host, node, pool,
  class, lifetime, borrowed, nics, wish, state, state_reason, state_since, release, design, observed, drift, held_by, move, restart_of AS "restartOf", request,
  version::int AS version, created_at, retired_at`;

/** An instance as the platform keeps it. */
export function instanceOf(row: InstanceRow): InstanceRecord {
  const { dcn_group, state_reason, state_since, held_by, created_at, retired_at, ...same } = row;
  return {
    ...(same as unknown as Omit<
      InstanceRecord,
      "dcnGroup" | "stateReason" | "stateSince" | "heldBy" | "createdAt" | "retiredAt"
    >),
    dcnGroup: dcn_group as string,
    stateReason: state_reason as string,
    stateSince: (state_since as Date).toISOString(),
    heldBy: held_by as string | null,
    createdAt: (created_at as Date).toISOString(),
    retiredAt: (retired_at as Date | null)?.toISOString() ?? null,
  };
}

/** Reads instances by a condition on the table `instances`. */
export async function selectInstances(
  query: Query,
  where: string,
  values: readonly unknown[],
): Promise<readonly InstanceRecord[]> {
  const rows = await query<InstanceRow>(`SELECT ${instanceColumns} FROM instances WHERE ${where}`, [...values]);
  return rows.map(instanceOf);
}

/** The business, environment and DCN group that an instance belongs to. */
export function scopeOfInstance(instance: InstanceRecord): Scope {
  return { business: instance.business, environment: instance.environment, dcnGroup: instance.dcnGroup };
}
