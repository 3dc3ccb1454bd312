import { differences, listKey } from "@wcs/core/difference";
import { networkAnnotationName } from "@wcs/core/ipam";
import type { InstanceManifests } from "./instance-manifest.ts";
import type { LivePod, LiveStatefulSet } from "./live-objects.ts";
import { containerName } from "./pod-spec.ts";

/**
 * What is done about a difference between what WCS meant and what is there: `put-right` at once, since nothing that runs is touched by it (or what it
 * touches was changed behind WCS's back in place); `report`, since only stopping the application would mend it, which people decide.
 */
export type Drift = Readonly<{
  action: "put-right" | "report";
  object: "StatefulSet" | "Pod";
  path: string;
  meant: unknown;
  found: unknown;
  reason: string;
}>;

/** What is there of an instance whose wish is to run or to stand still. */
export type DriftFacts = Readonly<{
  meant: InstanceManifests;
  statefulSet: LiveStatefulSet | null;
  pod: LivePod | null;
  /** True while a release or a move works on this instance: its pod may then rightly lag behind. */
  atWork: boolean;
}>;

/** Every difference, StatefulSet first. Fields that Kubernetes filled in by itself, and those that WCS does not set, are none. */
export function classifyDrift({ meant, statefulSet, pod, atWork }: DriftFacts): readonly Drift[] {
  if (statefulSet === null) {
    return [
      {
        action: "put-right",
        object: "StatefulSet",
        path: "",
        meant: meant.statefulSet.metadata.name,
        found: undefined,
        reason: "the StatefulSet is gone; it is made again, and a pod that still runs is taken over",
      },
    ];
  }
  const found: Drift[] = [];
  const setRight = (path: string, meantValue: unknown, foundValue: unknown, reason: string, object: Drift["object"]) =>
    found.push({ action: "put-right", object, path, meant: meantValue, found: foundValue, reason });

  for (const [member, meantMetadata, liveMetadata] of [
    ["labels", meant.statefulSet.metadata.labels, statefulSet.labels],
    ["annotations", meant.statefulSet.metadata.annotations ?? {}, statefulSet.annotations],
  ] as const) {
    for (const { path, from, to } of missing(meantMetadata, liveMetadata)) {
      setRight(`metadata.${member}.${path}`, from, to, "metadata is written again", "StatefulSet");
    }
  }
  for (const { path, from, to } of missing(meant.statefulSet["spec"], statefulSet.spec)) {
    setRight(
      `spec.${path}`,
      from,
      to,
      "the StatefulSet only describes the next pod; nothing that runs is touched",
      "StatefulSet",
    );
  }
  if (pod !== null && !pod.deleting && !atWork) found.push(...podDrift(meant, pod));
  return found;
}

function podDrift(meant: InstanceManifests, pod: LivePod): readonly Drift[] {
  const found: Drift[] = [];
  const template = meant.podTemplate;
  for (const [member, meantMetadata, liveMetadata] of [
    ["labels", template.metadata.labels, pod.labels],
    ["annotations", template.metadata.annotations, pod.annotations],
  ] as const) {
    for (const { path, from, to } of missing(meantMetadata, liveMetadata)) {
      const fixed = path === networkAnnotationName;
      found.push({
        action: fixed ? "report" : "put-right",
        object: "Pod",
        path: `metadata.${member}.${path}`,
        meant: from,
        found: to,
        reason: fixed ? "the pod was plumbed with what it carried when it was made" : "metadata is written again",
      });
    }
  }
  for (const { path, from, to } of missing(template.spec, pod.spec)) {
    const inPlace =
      path === `containers[${containerName}].image` ||
      new RegExp(`^containers\\[${containerName}\\]\\.resources\\.(?:requests|limits)\\.(?:cpu|memory)$`).test(path);
    found.push({
      action: inPlace ? "put-right" : "report",
      object: "Pod",
      path: `spec.${path}`,
      meant: from,
      found: to,
      reason: inPlace
        ? "it was changed in place and is changed back in place"
        : "only a new pod would be right; restart the instance or release it again",
    });
  }
  const extra = containersOf(pod.spec).filter((name) => name !== containerName);
  for (const name of extra) {
    found.push({
      action: "report",
      object: "Pod",
      path: `spec.containers[${name}]`,
      meant: undefined,
      found: name,
      reason: "a container that WCS did not put there",
    });
  }
  return found;
}

/** Differences in what is meant only: a member that the live object has in addition is the API server's or somebody's own. */
function missing(meant: unknown, live: unknown) {
  return differences(meant, keepKnown(meant, live)).filter(({ from, to }) => to !== undefined || !isZero(from));
}

/** What the API server leaves out when it writes an object (`omitempty` of Go's encoding/json). */
function isZero(value: unknown): boolean {
  if (value === "" || value === 0 || value === false) return true;
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

/** The live value cut down to the members that the meant value has. */
function keepKnown(meant: unknown, live: unknown): unknown {
  if (Array.isArray(meant) && Array.isArray(live)) {
    const key = listKey(meant, live);
    if (key === null) return live.map((item, index) => (index < meant.length ? keepKnown(meant[index], item) : item));
    return live.flatMap((item) => {
      const same = meant.find((candidate) => textMember(candidate, key) === textMember(item, key));
      return same === undefined ? [] : [keepKnown(same, item)];
    });
  }
  if (isRecord(meant) && isRecord(live)) {
    return Object.fromEntries(
      Object.entries(live).flatMap(([key, value]) => (key in meant ? [[key, keepKnown(meant[key], value)]] : [])),
    );
  }
  return live;
}

function containersOf(spec: unknown): readonly string[] {
  const containers = isRecord(spec) ? spec["containers"] : undefined;
  return Array.isArray(containers) ? containers.flatMap((container) => textMember(container, "name") ?? []) : [];
}

function textMember(value: unknown, key: string): string | undefined {
  const text = isRecord(value) ? value[key] : undefined;
  return typeof text === "string" ? text : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
