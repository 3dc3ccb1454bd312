import type { InstanceRecord } from "./instance-record.ts";

/** An instance as the API and the watch log show it. */
export function instanceView(instance: InstanceRecord) {
  return {
    name: instance.name,
    subsystem: instance.subsystem,
    business: instance.business,
    dcn: instance.dcn,
    dcnGroup: instance.dcnGroup,
    environment: instance.environment,
    idc: instance.idc,
    cluster: instance.cluster,
    rack: instance.rack,
    host: instance.host,
    pool: instance.pool,
    class: instance.class,
    lifetime: instance.lifetime,
    borrowed: instance.borrowed,
    nics: instance.nics.map((nic) => ({ ...nic })),
    wish: instance.wish,
    state: instance.state,
    reason: instance.stateReason,
    since: instance.stateSince,
    release: instance.release,
    template: instance.design?.template ?? null,
    imageDigest: instance.design?.imageDigest ?? null,
    restarts: instance.observed?.restarts ?? 0,
    differences: instance.drift.map(({ path, reason }) => ({ path, reason })),
    heldBy: instance.heldBy,
    movedBy: instance.move?.recovery ?? null,
    request: instance.request,
    createdAt: instance.createdAt,
    retiredAt: instance.retiredAt,
    version: instance.version,
  };
}
