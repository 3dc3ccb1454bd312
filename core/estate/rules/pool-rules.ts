import type { EstateRef } from "../estate-document.ts";
import { findDocument, keyOf } from "../model/estate-index.ts";
import type { FaultPlace, KindRules, RuleContext } from "./rule-context.ts";

const amounts = ["cpuMilli", "memoryMiB"] as const;

/** A business's guarantee is at most its limit. */
export const poolRules: KindRules<"Pool"> = (context, pool) => {
  for (const [business, { guarantee, limit }] of Object.entries(pool.spec.quotas ?? {})) {
    for (const field of amounts) {
      if (guarantee[field] <= limit[field]) continue;
      const path = ["spec", "quotas", business, "guarantee", field];
      const values = { guarantee: `${guarantee[field]} ${field}`, limit: `${limit[field]} ${field}` };
      context.report("quota-above-limit", { document: pool, path }, values);
    }
  }
};

/**
 * The guarantees in a pool fit its hosts, of whatever state: a host that is away for a while takes no guarantee back. CPU counts with the pool's
 * overcommit. `cause`: the change that touched the pool, where the fault is told when the pool itself is not in the file.
 */
export function checkPoolCapacity(context: RuleContext, name: string, cause: EstateRef): void {
  const pool = findDocument(context.index, "Pool", name);
  if (pool === undefined || context.unread.has(keyOf(pool)) || context.unreadPools.has(name)) return;
  const has = context.index.pools.get(name) ?? { hosts: 0, cpuMilli: 0, memoryMiB: 0 };
  const overcommit = pool.spec.cpuOvercommitPercent ?? 100;
  const place: FaultPlace = context.changes.has(keyOf(pool))
    ? { document: pool, path: ["spec", "quotas"] }
    : {
        document: cause,
        path: findDocument(context.index, cause.kind, cause.name) === undefined ? [] : ["spec", "capacity"],
      };
  for (const field of amounts) {
    const sum = Object.values(pool.spec.quotas ?? {}).reduce((total, quota) => total + quota.guarantee[field], 0);
    const capacity = field === "cpuMilli" ? Math.floor((has.cpuMilli * overcommit) / 100) : has.memoryMiB;
    if (sum <= capacity) continue;
    const overcommitted = field === "cpuMilli" && overcommit > 100;
    context.report("guarantees-exceed-pool", place, {
      pool: name,
      sum: `${sum} ${field}`,
      hosts: has.hosts,
      capacity: `${capacity} ${field}`,
      overcommit: overcommitted ? ` (with ${overcommit}% overcommit)` : "",
      overcommitZh: overcommitted ? `(含 ${overcommit}% 超分)` : "",
      missing: `${sum - capacity} ${field}`,
    });
  }
}
