import type { Client } from "@wcs/api";
import { auditOperations } from "@wcs/api/audit";
import { instanceOperations } from "@wcs/api/instance";
import { ipamOperations } from "@wcs/api/ipam";
import { networkAnnotationName, parseNetworkAnnotation } from "@wcs/core/ipam";
import { pods, statefulSets, type KubeClient } from "@wcs/kube";

const [listInstances] = instanceOperations;
const [listAudit, verifyAudit] = auditOperations;
const [listIps] = ipamOperations;

type Item = Readonly<Record<string, unknown>>;

/**
 * Reads the platform's record, the address ledger, Kubernetes and the audit apart, and says where they do not tell the same: what is
 * lost, doubled or wrong. `releases`: those that must have changed each of the instances exactly once. `admin` sees everything.
 */
export async function compareOutcome({
  admin,
  clusters,
  namespace,
  releases,
}: Readonly<{
  admin: Client;
  clusters: readonly KubeClient[];
  namespace: string;
  releases: readonly Readonly<{ id: string; imageDigest: string }>[];
}>): Promise<readonly string[]> {
  const faults: string[] = [];
  const instances = await everything(
    async (cursor) => (await admin.call(listInstances, { query: { limit: 500, ...cursor } })).body,
  );
  const sets = (await Promise.all(clusters.map((each) => each.list(statefulSets, { namespace })))).flatMap(
    ({ items }) => items,
  );
  const there = (await Promise.all(clusters.map((each) => each.list(pods, { namespace })))).flatMap(
    ({ items }) => items,
  );
  const addresses = await ledger(admin);
  const wanted = releases.at(-1);

  for (const { name, state, host, nics, imageDigest, release } of instances) {
    const own = there.filter(({ metadata }) => metadata.labels?.["wcs.io/instance"] === name);
    const ownSets = sets.filter(({ metadata }) => metadata.name === name);
    if (own.length !== 1) faults.push(`${name} has ${own.length} pods`);
    if (ownSets.length !== 1) faults.push(`${name} has ${ownSets.length} StatefulSets`);
    if (state !== "ready") faults.push(`${name} is ${state}`);
    if (wanted !== undefined && (release !== wanted.id || imageDigest !== wanted.imageDigest)) {
      faults.push(`${name} was to be at ${wanted.id}, and is at ${release} (${imageDigest})`);
    }
    const held = addresses.filter(({ owner }) => owner === name);
    if (held.length !== nics.length) {
      faults.push(`${name} has ${held.length} addresses in the ledger, not ${nics.length}`);
    }
    for (const pod of own) {
      if (pod.spec?.nodeName !== host) faults.push(`${name} is on ${pod.spec?.nodeName}, not on ${host}`);
      const image = pod.spec?.containers[0]?.image ?? "";
      if (wanted !== undefined && !image.endsWith(`@${wanted.imageDigest}`)) faults.push(`${name} runs ${image}`);
      const network = parseNetworkAnnotation(pod.metadata.annotations?.[networkAnnotationName] ?? "");
      const inPod = network.ok ? network.value.nics.map(({ address }) => address.split("/")[0]) : [];
      const inLedger = held.map(({ ip }) => ip);
      const inRecord = nics.map(({ ip }) => ip);
      if (String(inPod) !== String(inRecord) || String(inLedger.toSorted()) !== String(inRecord.toSorted())) {
        faults.push(
          `${name} has ${String(inRecord)} on record, ${String(inLedger)} in the ledger, ${String(inPod)} in its pod`,
        );
      }
    }
  }
  const names = new Set(instances.map(({ name }) => name));
  for (const { metadata } of there) {
    const name = metadata.labels?.["wcs.io/instance"];
    if (name === undefined || !names.has(name)) faults.push(`pod ${metadata.name} is nobody's`);
  }
  for (const { metadata } of sets) {
    if (!names.has(metadata.name)) faults.push(`StatefulSet ${metadata.name} is nobody's`);
  }
  const given = addresses.map(({ ip }) => ip);
  if (new Set(given).size !== given.length) faults.push("an address is given twice");
  return [...faults, ...(await auditFaults(admin, { releases, names }))];
}

/** Each release has changed each instance once by the audit, has ended once, and the chains are whole. */
async function auditFaults(
  admin: Client,
  { releases, names }: Readonly<{ releases: readonly Readonly<{ id: string }>[]; names: ReadonlySet<string> }>,
): Promise<readonly string[]> {
  const faults: string[] = [];
  const entries = await everything(async (cursor) => {
    const query = { limit: 500, act: "releases.reconcile", ...cursor };
    return (await admin.call(listAudit, { query })).body;
  });
  for (const { id } of releases) {
    const ofInstances = entries.filter(
      ({ resource, after }) => resource.kind === "Instance" && (after as Item | null)?.["release"] === id,
    );
    for (const name of names) {
      const times = ofInstances.filter(({ resource }) => resource.name === name).length;
      if (times !== 1) faults.push(`by the audit ${id} has changed ${name} ${times} times`);
    }
    const ends = entries.filter(
      ({ resource, after }) =>
        resource.kind === "Release" && resource.name === id && (after as Item | null)?.["state"] === "done",
    );
    if (ends.length !== 1) faults.push(`by the audit ${id} has ended ${ends.length} times`);
  }
  const { body } = await admin.call(verifyAudit, {});
  return [...faults, ...body.faults.map(({ message }) => `audit: ${message}`)];
}

async function ledger(admin: Client): Promise<readonly Readonly<{ ip: string; owner: string }>[]> {
  const rows = await everything(async (cursor) => {
    return (await admin.call(listIps, { query: { limit: 500, ...cursor } })).body;
  });
  return rows.flatMap(({ ip, owner }) => (owner?.kind === "instance" ? [{ ip, owner: owner.name }] : []));
}

async function everything<T>(
  page: (cursor: Readonly<{ cursor?: string }>) => Promise<Readonly<{ items: readonly T[]; next: string | null }>>,
): Promise<readonly T[]> {
  const items: T[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const { items: found, next }: Readonly<{ items: readonly T[]; next: string | null }> = await page(
      cursor === "" ? {} : { cursor },
    );
    items.push(...found);
    cursor = next;
  }
  return items;
}
