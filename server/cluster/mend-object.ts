import { differences, type Difference } from "@wcs/core/difference";
import { isExact, type BaselineObject } from "@wcs/core/cluster";
import { isKubeError, type KubeClient, type KubeObject } from "@wcs/kube";
import { baselineType, manifestOf } from "./baseline-types.ts";

/** The name by which WCS owns fields in server-side apply. */
export const fieldManager = "wcs";

/** What was found about one object of the baseline and done about it. */
export type MendResult =
  | Readonly<{ state: "same" }>
  | Readonly<{ state: "created" | "mended"; differences: readonly Difference[] }>;

type Call = Readonly<{ signal?: AbortSignal | undefined }>;

/** Parts of an object that say nothing about what it should be. */
function essence(object: KubeObject): Readonly<Record<string, unknown>> {
  const {
    metadata,
    status: _status,
    apiVersion: _apiVersion,
    kind: _kind,
    ...rest
  } = object as KubeObject & {
    status?: unknown;
  };
  const { labels, annotations } = metadata;
  return { ...rest, metadata: { labels, annotations } };
}

/**
 * Makes one object of the baseline what it should be, and tells how it differed. An object of an exact kind is compared with what the API server would
 * store, so that an exemption that someone added shows as well as a rule that someone took away; of another kind only what
 * the baseline sets is looked at. Safe to repeat. Throws KubeError.
 */
export async function mendObject(client: KubeClient, object: BaselineObject, call: Call = {}): Promise<MendResult> {
  const type = baselineType(object);
  const { name, namespace } = object.metadata;
  const live = await client.find(type, { name, namespace, ...call });
  const apply = (dryRun: boolean) =>
    client.apply(type, manifestOf(object), { fieldManager, force: true, dryRun, ...call });
  if (live === null) {
    await apply(false);
    return { state: "created", differences: [] };
  }
  const wanted = isExact(object) ? await exactly(client, object, live, call) : await apply(true);
  if (wanted === "immutable") {
    const { uid = "", resourceVersion = "" } = live.metadata;
    await client.delete(type, { name, namespace, preconditions: { uid, resourceVersion }, ...call });
    await apply(false);
    return { state: "mended", differences: differences(essence(live), object) };
  }
  const found = differences(essence(live), essence(wanted));
  if (found.length === 0) return { state: "same" };
  if (isExact(object)) await client.replace(type, replacement(object, live), { fieldManager, ...call });
  else await apply(false);
  return { state: "mended", differences: found };
}

function replacement(object: BaselineObject, live: KubeObject): KubeObject {
  const manifest = manifestOf(object);
  return {
    ...manifest,
    metadata: {
      ...live.metadata,
      labels: { ...live.metadata.labels, ...manifest.metadata.labels },
      annotations: { ...live.metadata.annotations, ...manifest.metadata.annotations },
    },
  };
}

/** What the API server would store if nothing but the baseline stood in the object. A binding's role can't be changed. */
async function exactly(
  client: KubeClient,
  object: BaselineObject,
  live: KubeObject,
  call: Call,
): Promise<KubeObject | "immutable"> {
  try {
    return await client.replace(baselineType(object), replacement(object, live), {
      fieldManager,
      dryRun: true,
      ...call,
    });
  } catch (error) {
    if (isKubeError(error, "invalid") && "roleRef" in object) return "immutable";
    throw error;
  }
}
