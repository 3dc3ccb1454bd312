import { differences, type Difference } from "@wcs/core/difference";
import { networkAnnotationName, parseNetworkAnnotation } from "@wcs/core/ipam";
import type { InstanceManifests } from "./instance-manifest.ts";
import { containerName } from "./pod-spec.ts";

/** What a change does to the running instance, from the mildest to what may not be done at all. */
export const changeEffects = ["none", "in-place", "re-create", "forbidden"] as const;
export type ChangeEffect = (typeof changeEffects)[number];

export type ChangeStep = Readonly<{
  path: string;
  from: unknown;
  to: unknown;
  effect: Exclude<ChangeEffect, "none">;
  reason: string;
}>;
export type InstanceChange = Readonly<{ effect: ChangeEffect; steps: readonly ChangeStep[] }>;

/** What may be changed: a release keeps host and addresses, a move changes the host and nothing else of the place. */
export type ChangePurpose = "release" | "move";

type Rule = Readonly<{ at: RegExp; effect: ChangeStep["effect"]; reason: string }>;

const container = `template\\.spec\\.containers\\[${containerName}\\]`;

/** The first rule that matches a path holds. */
const rules: readonly Rule[] = [
  {
    at: /^template\.metadata\.annotations\.wcs\.io\/network\b/,
    effect: "forbidden",
    reason: "an instance keeps its addresses",
  },
  { at: /^template\.metadata\./, effect: "in-place", reason: "metadata changes on the running pod" },
  {
    at: new RegExp(`^${container}\\.image$`),
    effect: "in-place",
    reason: "the container restarts in the same sandbox with the new image",
  },
  {
    at: new RegExp(`^${container}\\.resources\\.(?:requests|limits)\\.(?:cpu|memory)$`),
    effect: "in-place",
    reason: "CPU and memory are resized while it runs, where the host has room",
  },
  { at: /^replicas$/, effect: "in-place", reason: "the instance is started or stopped" },
  {
    at: /^template\.spec\.affinity\b/,
    effect: "forbidden",
    reason: "an instance stays on its host; a move is a change of its own",
  },
  { at: /^template\.spec\./, effect: "re-create", reason: "Kubernetes does not change this on a running pod" },
  { at: /^revisionHistoryLimit$/, effect: "in-place", reason: "only the StatefulSet's own housekeeping" },
  { at: /./, effect: "forbidden", reason: "Kubernetes does not change this on an existing StatefulSet" },
];

/** In a move, besides what follows from it, only what says where the instance is may differ. */
const moveRules: readonly Rule[] = [
  { at: /^template\.spec\.affinity\b/, effect: "re-create", reason: "its pod is made on the new host" },
  {
    at: /^template\.spec\.volumes\[log\]\.persistentVolumeClaim\.claimName$/,
    effect: "re-create",
    reason: "the log folder is the new host's",
  },
];

/**
 * What bringing an instance from one design to another does: nothing, in place, by making its pod anew, or what may not be done; with every
 * difference and why.
 */
export function classifyChange(
  from: InstanceManifests,
  to: InstanceManifests,
  purpose: ChangePurpose = "release",
): InstanceChange {
  if (from.statefulSet.metadata.name !== to.statefulSet.metadata.name) {
    throw new TypeError("the two designs are of different instances");
  }
  const chosen = purpose === "move" ? [...moveRules, ...rules] : rules;
  const steps = differences(
    { ...(from.statefulSet["spec"] as object), namespace: from.statefulSet.metadata.namespace },
    { ...(to.statefulSet["spec"] as object), namespace: to.statefulSet.metadata.namespace },
  )
    // What follows from the rest is not a change of its own.
    .filter(({ path }) => !/^template\.metadata\.annotations\.wcs\.io\/(?:version|release)$/.test(path))
    .map((difference): ChangeStep => {
      if (purpose === "move" && isNewGeneration(difference)) {
        return {
          ...difference,
          effect: "re-create",
          reason: "the same addresses are given anew, so that the old pod is known as old",
        };
      }
      const rule = chosen.find(({ at }) => at.test(difference.path));
      if (rule === undefined) throw new TypeError(`no rule for a change of "${difference.path}"`);
      return { ...difference, effect: rule.effect, reason: rule.reason };
    });
  return { effect: worst(steps.map(({ effect }) => effect)), steps };
}

/** True when the addresses are the same and only the ledger's count of giving them has gone up. */
function isNewGeneration({ path, from, to }: Difference): boolean {
  if (path !== `template.metadata.annotations.${networkAnnotationName}`) return false;
  const [old, fresh] = [from, to].map((text) => (typeof text === "string" ? parseNetworkAnnotation(text) : null));
  if (!old?.ok || !fresh?.ok) return false;
  return (
    fresh.value.generation > old.value.generation &&
    differences({ ...old.value, generation: 0 }, { ...fresh.value, generation: 0 }).length === 0
  );
}

function worst(effects: readonly ChangeEffect[]): ChangeEffect {
  const rank = Math.max(0, ...effects.map((effect) => changeEffects.indexOf(effect)));
  return changeEffects[rank] ?? "none";
}
