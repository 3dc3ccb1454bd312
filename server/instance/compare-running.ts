import { classifyDrift } from "@wcs/core/instance";
import { isKubeError } from "@wcs/kube";
import { notFound } from "../access/principal.ts";
import type { Query } from "../database/database.ts";
import { Failure } from "../http/failure.ts";
import type { TemplateService } from "../template/template-service.ts";
import { designInstance } from "./design-instance.ts";
import type { InstanceRecord } from "./instance-record.ts";
import { readLiveInstance } from "./live-instance.ts";
import type { Neighbours } from "./neighbours.ts";

type Options = Readonly<{ neighbours: Neighbours; templates: TemplateService; timeZone: string }>;

/** Where what an instance's cluster has of it differs from a version of its template, what has been changed behind WCS's back included. */
export async function compareRunning(
  query: Query,
  { instance, template, ...options }: Options & Readonly<{ instance: InstanceRecord; template: number | null }>,
) {
  const { name, design, subsystem } = instance;
  if (design === null || instance.retiredAt !== null) {
    throw new Failure("instance.busy", `nothing runs of ${name}: it is ${instance.state} (${instance.stateReason})`);
  }
  const version = template ?? design.template;
  if ((await options.templates.find(query, subsystem, version)) === null) {
    throw notFound("templates", `${subsystem}/${version}`);
  }
  const { clusters } = options.neighbours;
  const client = await clusters.clientOf(instance.cluster);
  if (client === null) throw new Failure("cluster.unreachable", `cluster ${instance.cluster} does not answer`);
  const release = instance.release ?? "";
  const meant = await designInstance(query, options, { instance, design: { ...design, template: version }, release });
  try {
    const live = await readLiveInstance(client, { namespace: clusters.namespaceOf(instance.business), instance: name });
    const found = classifyDrift({ meant, ...live, atWork: false });
    // The pod's version is a hash of all the rest, and says nothing that the rest does not.
    const differences = found
      .filter(
        ({ object, path }) =>
          !path.endsWith("wcs.io/version") && (live.pod === null || object === "Pod" || !inTemplate(path)),
      )
      .map(({ object, path, meant: wanted, found: running, action, reason }) => ({
        object,
        path,
        ...(running === undefined ? {} : { running }),
        ...(wanted === undefined ? {} : { wanted }),
        effect: action === "put-right" ? ("in-place" as const) : ("re-create" as const),
        reason,
      }));
    return { instance: name, running: design.template, template: version, differences };
  } catch (error) {
    if (!isKubeError(error)) throw error;
    throw new Failure("cluster.unreachable", `cluster ${instance.cluster}: ${error.message}`, { cause: error });
  }
}

/** What a running pod says of itself, the StatefulSet's template says again. */
function inTemplate(path: string): boolean {
  return path.startsWith("spec.template.");
}
