import { canonicalJson } from "@wcs/core/canonical";
import { parseForm, type FormReader, type ParsedForm } from "./form.ts";
import { fields } from "./form-fields.ts";

/** The annotation on a Node that says what its agent must take off the network and keep off it. */
export const fenceAnnotationName = "wcs.io/fence";

/** An instance that was moved away: this host may have it under none of the generations up to this one. */
export type FencedInstance = Readonly<{ instance: string; generation: number }>;

/**
 * What a host may no longer have, since it was moved to another while the host was lost. `host`: the Node's name, so that a copied Node object
 * fences nothing. Generations only grow, so a fence that has been left in place harms no instance that comes back to the host.
 */
export type HostFence = Readonly<{ host: string; instances: readonly FencedInstance[] }>;

const version = 1;
const mostInstances = 1_000;

/** The annotation's text: canonical JSON, instances by name. */
export function printHostFence({ host, instances }: HostFence): string {
  const sorted = instances.toSorted((a, b) => (a.instance < b.instance ? -1 : 1));
  return canonicalJson({ version, host, instances: sorted });
}

/** Reads the annotation of the Node `node`; every problem is named with its path. */
export function parseHostFence(text: string, node: string): ParsedForm<HostFence> {
  return parseForm(text, (reader, json) => readFence(reader, json, node));
}

function readFence(reader: FormReader, json: unknown, node: string): HostFence | null {
  const members = reader.object(json, "$", ["version", "host", "instances"]);
  if (members === null) return null;
  reader.integer(members["version"], "version", { min: version, max: version });
  const host = reader.text(members["host"], "host", fields.name);
  const instances = reader.list(members["instances"], "instances", {
    min: 0,
    max: mostInstances,
    read: (item, path): FencedInstance | null => {
      const entry = reader.object(item, path, ["instance", "generation"]);
      if (entry === null) return null;
      const instance = reader.text(entry["instance"], `${path}.instance`, fields.name);
      const range = { min: 1, max: Number.MAX_SAFE_INTEGER };
      const generation = reader.integer(entry["generation"], `${path}.generation`, range);
      return instance === null || generation === null ? null : { instance, generation };
    },
  });
  if (host === null) return null;
  if (host !== node) {
    reader.report("host", `the fence is for ${host}, the Node is ${node}`, "fence the Node that the instances were on");
  }
  return { host, instances };
}

/** Whether a host with this fence may not have an instance under this generation. */
export function isFenced(fence: HostFence, { instance, generation }: FencedInstance): boolean {
  return fence.instances.some((entry) => entry.instance === instance && generation <= entry.generation);
}

/** The fence with these instances added; the newest generation of each counts. */
export function extendFence(fence: HostFence, added: readonly FencedInstance[]): HostFence {
  const newest = new Map<string, number>();
  for (const { instance, generation } of [...fence.instances, ...added]) {
    newest.set(instance, Math.max(generation, newest.get(instance) ?? 0));
  }
  return { host: fence.host, instances: [...newest].map(([instance, generation]) => ({ instance, generation })) };
}
