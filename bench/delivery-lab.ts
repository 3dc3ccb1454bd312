import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createKubeClient, parseKubeconfig, pods, startWatchCache, statefulSets, type KubeClient } from "@wcs/kube";
import { down, estateOf, kubectl, kubeconfigFile, up } from "@wcs/lab";
import {
  approvedRelease,
  askForInstances,
  demoSpec,
  makeTemplate,
  tellBank,
  until,
  untilDone,
  type TwoPeople,
} from "./delivery-steps.ts";
import type { Figure } from "./figure.ts";
import { startRealServer } from "./real-server.ts";

const count = 40;
const batch = 10;
/** One DCN on one cluster, so that one StatefulSet can have the same pods. */
const place = { cluster: "idc2-c1", dcn: "1B2", subsystem: "1002", namespace: "wcs-retail" };
const cni = join(dirname(fileURLToPath(import.meta.resolve("@wcs/agent"))), "bin/wecni-lab");

type Print = (figure: Figure) => void;

/** Forty instances on the lab, and a release of them, beside what Kubernetes does with the same pods; the lab is taken down at the end. */
export async function measureOnLab(print: Print): Promise<void> {
  const { topology } = await up("two-idc", { cni });
  const state = mkdtempSync(join(tmpdir(), "wcs-bench-"));
  const kubeconfigs = new Map(topology.clusters.map(({ name }) => [name, readFileSync(kubeconfigFile(name), "utf8")]));
  const access = parseKubeconfig(kubeconfigs.get(place.cluster) ?? "", {
    readFile: (path) => readFileSync(path, "utf8"),
  });
  const kube = createKubeClient({ access, userAgent: "wcs-bench", callsPerSecond: 1_000, burst: 1_000 });
  const server = await startRealServer(state);
  try {
    const second = { kind: "Person", name: "chen-jie", spec: { business: "retail" } };
    const people = await tellBank({
      server,
      documents: [...estateOf(topology), second],
      business: "retail",
      people: ["zhang-wei", "chen-jie"],
      clusters: kubeconfigs,
    });
    const digests = [await digestOf(kube, "1"), await digestOf(kube, "2")] as const;
    await warmHosts(kube, digests);
    await makeTemplate(people, place.subsystem);
    // Ours between theirs, so that what else the machine does hits both.
    const before = await measureKubernetes(kube, digests);
    const ours = await measureOurs({ kube, people, digests });
    await retireOurs(kube, people);
    const after = await measureKubernetes(kube, digests);
    const theirs = {
      appliedMs: (before.appliedMs + after.appliedMs) / 2,
      updatedMs: (before.updatedMs + after.updatedMs) / 2,
    };
    print({
      name: `delivery: ${count} instances from approval to Ready`,
      value: ours.deliveredMs / 1000,
      unit: "s",
      baseline: theirs.appliedMs / 1000,
      baselineIs: "kubectl apply of the same pods as StatefulSets of one",
    });
    print({
      name: `delivery: release of another image to ${count} instances, batch ${batch}`,
      value: ours.releasedMs / 1000,
      unit: "s",
      baseline: theirs.updatedMs / 1000,
      baselineIs: `a StatefulSet of the same pods, maxUnavailable ${batch}`,
    });
    print({ name: "delivery: load average at the end", value: loadavg()[0] ?? 0, unit: "" });
  } finally {
    kube.close();
    await server.stop();
    await down();
    rmSync(state, { recursive: true, force: true });
  }
}

/** The digest of a version of the demo application, as the lab's registry gives it to a host. */
export async function digestOf(kube: KubeClient, version: string): Promise<string> {
  const where = { namespace: "default", name: `digest-${version}` };
  const containers = [{ name: "app", image: `${demoSpec.image}:${version}` }];
  await kube.create(pods, { metadata: { name: where.name }, spec: { containers } }, { namespace: where.namespace });
  const digest = await until("the image to be pulled", 60_000, async () => {
    const pod = await kube.get(pods, where);
    return /sha256:[0-9a-f]{64}$/.exec(pod.status?.containerStatuses?.[0]?.imageID ?? "")?.[0] ?? false;
  });
  await kube.delete(pods, { ...where, gracePeriodSeconds: 0 });
  return digest;
}

/** The pods as WCS makes them, without what is WCS's own. */
function podTemplate(labels: Readonly<Record<string, string>>, digest: string) {
  const resources = { cpu: "1", memory: "2Gi" };
  return {
    metadata: { labels },
    spec: {
      terminationGracePeriodSeconds: demoSpec.gracefulStop.seconds,
      automountServiceAccountToken: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 1000,
        runAsGroup: 1000,
        seccompProfile: { type: "RuntimeDefault" },
      },
      nodeSelector: { "kubernetes.io/os": "linux" },
      containers: [
        {
          name: "app",
          image: `${demoSpec.image}@${digest}`,
          ports: [{ name: "http", containerPort: 8080 }],
          resources: { requests: resources, limits: resources },
          readinessProbe: { httpGet: { path: "/ready", port: 8080 }, periodSeconds: 1 },
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
        },
      ],
    },
  };
}

function statefulSet(name: string, replicas: number, digest: string) {
  const labels = { bench: "delivery", set: name };
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name, labels: { bench: "delivery" } },
    spec: {
      serviceName: "",
      replicas,
      podManagementPolicy: "Parallel",
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: batch } },
      selector: { matchLabels: labels },
      template: podTemplate(labels, digest),
    },
  };
}

/** Both images on every host that is used, so that nobody's time has a pull in it. */
async function warmHosts(kube: KubeClient, digests: readonly string[]): Promise<void> {
  for (const digest of digests) {
    await kubectl(place.cluster, ["apply", "-f", "-"], JSON.stringify(statefulSet("warm", 8, digest)));
    await untilReady(kube, { namespace: "default", digest, count: 8 });
  }
  await removeSets(kube);
}

/** Waits, by a watch, until so many pods are Ready with an image. */
async function untilReady(
  kube: KubeClient,
  wanted: Readonly<{ namespace: string; digest: string; count: number }>,
): Promise<void> {
  const done = Promise.withResolvers<void>();
  const ready = new Set<string>();
  const timer = setTimeout(
    () => done.reject(new Error(`only ${ready.size} of ${wanted.count} pods are Ready`)),
    180_000,
  );
  const cache = startWatchCache({
    client: kube,
    resource: pods,
    namespace: wanted.namespace,
    project: ({ metadata, spec, status }) =>
      metadata.deletionTimestamp === undefined &&
      spec?.containers[0]?.image?.endsWith(wanted.digest) === true &&
      status?.containerStatuses?.[0]?.imageID?.endsWith(wanted.digest) === true &&
      status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true,
    onChange: ({ key, after }) => {
      if (after === true) ready.add(key);
      else ready.delete(key);
      if (ready.size >= wanted.count) done.resolve();
    },
  });
  try {
    await done.promise;
  } finally {
    clearTimeout(timer);
    await cache.close();
  }
}

async function removeSets(kube: KubeClient): Promise<void> {
  await kubectl(place.cluster, ["delete", "statefulset", "-l", "bench=delivery", "--wait=false"]);
  await until("the pods to go", 120_000, async () => {
    const left = await kube.list(pods, { namespace: "default", labelSelector: "bench=delivery" });
    return left.items.length === 0;
  });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

async function measureKubernetes(kube: KubeClient, [first, second]: readonly [string, string]) {
  const sets = Array.from({ length: count }, (_, index) => statefulSet(`one-${index}`, 1, first));
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: sets });
  const appliedMs = await timed(async () => {
    await kubectl(place.cluster, ["apply", "-f", "-"], list);
    await untilReady(kube, { namespace: "default", digest: first, count });
  });
  await removeSets(kube);
  await kubectl(place.cluster, ["apply", "-f", "-"], JSON.stringify(statefulSet("all", count, first)));
  await untilReady(kube, { namespace: "default", digest: first, count });
  const { spec } = await kube.get(statefulSets, { namespace: "default", name: "all" });
  const { updateStrategy } = spec as { updateStrategy?: { rollingUpdate?: { maxUnavailable?: number } } };
  if (updateStrategy?.rollingUpdate?.maxUnavailable !== batch) {
    throw new Error("the cluster does not keep maxUnavailable (feature gate MaxUnavailableStatefulSet)");
  }
  const updatedMs = await timed(async () => {
    await kubectl(place.cluster, ["apply", "-f", "-"], JSON.stringify(statefulSet("all", count, second)));
    await untilReady(kube, { namespace: "default", digest: second, count });
  });
  await removeSets(kube);
  return { appliedMs, updatedMs };
}

/** There is room for forty on the cluster, not for eighty. */
async function retireOurs(kube: KubeClient, people: TwoPeople): Promise<void> {
  const { subsystem, namespace, dcn } = place;
  const ask = { subsystem, class: "1C2G", counts: { [dcn]: 0 }, ticket: "BENCH-4" };
  const approve = await askForInstances(people, ask);
  await approve();
  await until("the instances to be retired", 120_000, async () => {
    return (await kube.list(pods, { namespace })).items.length === 0;
  });
}

async function measureOurs({
  kube,
  people,
  digests: [first, second],
}: Readonly<{ kube: KubeClient; people: TwoPeople; digests: readonly [string, string] }>) {
  const { subsystem, namespace, dcn } = place;
  const approve = await askForInstances(people, {
    subsystem,
    class: "1C2G",
    counts: { [dcn]: count },
    ticket: "BENCH-1",
  });
  const deliveredMs = await timed(async () => {
    await approve();
    console.error(`written down as delivered ${new Date().toISOString()}`);
    const ask = { subsystem, imageDigest: first, batch: count, ticket: "BENCH-2" };
    const { id, start } = await approvedRelease(people, ask);
    await start();
    console.error(`release started ${new Date().toISOString()}`);
    await Promise.all([untilReady(kube, { namespace, digest: first, count }), untilDone(people, id, 180_000)]);
  });
  const { id, start } = await approvedRelease(people, { subsystem, imageDigest: second, batch, ticket: "BENCH-3" });
  const releasedMs = await timed(async () => {
    await start();
    await Promise.all([untilReady(kube, { namespace, digest: second, count }), untilDone(people, id, 180_000)]);
  });
  return { deliveredMs, releasedMs };
}
