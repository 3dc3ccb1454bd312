import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createKubeClient, pods, startWatchCache, type KubeClient } from "@wcs/kube";
import { findKubeBinary, startControlPlane, type ControlPlane } from "@wcs/kube/testing";
import { simulatedBank, simulateKubelets } from "@wcs/server/testing";
import { approvedRelease, askForInstances, makeTemplate, tellBank, untilDone } from "./delivery-steps.ts";
import type { Figure } from "./figure.ts";
import { startRealServer, type RealServer } from "./real-server.ts";

const cluster = "c1";
const namespace = "wcs-retail";
/** A release has at most so many instances in a batch, and a request so many in a DCN. */
const mostOfOne = 1_000;
const digests = ["a", "b"].map((letter) => `sha256:${letter.repeat(64)}`) as [string, string];
/** The controllers' own limits (20 calls a second by default) would hide everything else, on both sides. */
const quickControllers = ["--kube-api-qps=1000", "--kube-api-burst=2000", "--concurrent-statefulset-syncs=20"];
const longestMs = 900_000;
const podsOfAHost = 100;
/** `kubectl apply` is measured with so many, and what it takes is taken to grow with their number. */
const mostOfKubectl = 1_000;

type Print = (figure: Figure) => void;
type Measured = Readonly<{ deliveredS: number; releasedS: number; callsDelivered: number; callsReleased: number }>;

/**
 * Thousands of instances through one server, on a real API server and real controllers whose nodes are simulated (nothing runs on them),
 * beside `kubectl apply` of the same StatefulSets on another such cluster.
 */
export async function measureSimulated(print: Print, count: number): Promise<void> {
  const ours = await onPlane(count, (plane, kube) => measureOurs(print, { plane, kube, count }));
  const theirCount = Math.min(count, mostOfKubectl);
  const theirs = await onPlane(theirCount, (plane, kube) => measureKubectl({ plane, kube, count: theirCount }));
  const of = `${count} simulated instances`;
  const scale = count / theirCount;
  const baselineIs = `kubectl apply of ${theirCount} such StatefulSets${scale > 1 ? `, times ${scale}` : ""}`;
  print({
    name: `delivery: ${of}, approval to Ready`,
    value: ours.deliveredS,
    unit: "s",
    baseline: theirs.deliveredS * scale,
    baselineIs,
  });
  print({
    name: `delivery: ${of}, release of another image`,
    value: ours.releasedS,
    unit: "s",
    baseline: theirs.releasedS * scale,
    baselineIs,
  });
  print({
    name: `delivery: ${of}, calls to the API server for one, delivered`,
    value: ours.callsDelivered / count,
    unit: "",
    baseline: theirs.callsDelivered / theirCount,
    baselineIs,
  });
  print({
    name: `delivery: ${of}, calls to the API server for one, released`,
    value: ours.callsReleased / count,
    unit: "",
    baseline: theirs.callsReleased / theirCount,
    baselineIs,
  });
  print({ name: "delivery: load average at the end", value: loadavg()[0] ?? 0, unit: "" });
}

const bankOf = (count: number) =>
  simulatedBank({
    clusters: 1,
    racksPerCluster: 5,
    hostsPerRack: Math.ceil(count / podsOfAHost / 5),
    subsystems: Math.ceil(count / mostOfOne),
  });

async function onPlane<T>(count: number, work: (plane: ControlPlane, kube: KubeClient) => Promise<T>): Promise<T> {
  const plane = await startControlPlane();
  const kube = createKubeClient({ access: plane.access, userAgent: "wcs-bench", callsPerSecond: 5_000, burst: 5_000 });
  try {
    await plane.startControllerManager(quickControllers);
    const kubelets = simulateKubelets(kube, { hosts: bankOf(count).hostsOf.get(cluster) ?? [], startMs: 100 });
    try {
      return await work(plane, kube);
    } finally {
      await kubelets.stop();
    }
  } finally {
    kube.close();
    await plane.stop();
  }
}

type Job = Readonly<{ plane: ControlPlane; kube: KubeClient; count: number }>;

async function measureOurs(print: Print, { plane, kube, count }: Job): Promise<Measured> {
  const state = mkdtempSync(join(tmpdir(), "wcs-bench-"));
  const server = await startRealServer(state);
  try {
    const bank = bankOf(count);
    const people = await tellBank({
      server,
      documents: bank.documents,
      business: "retail",
      people: ["ann", "bob"],
      clusters: new Map([[cluster, plane.kubeconfig]]),
    });
    const shares = bank.subsystems.map((subsystem, at) => ({
      subsystem,
      share: Math.min(mostOfOne, count - at * mostOfOne),
    }));
    const approvals: (() => Promise<void>)[] = [];
    for (const { subsystem, share } of shares) {
      await makeTemplate(people, subsystem);
      const counts = { [bank.dcnOf.get(cluster) ?? ""]: share };
      approvals.push(
        await askForInstances(people, { subsystem, class: "tiny", counts, ticket: `BENCH-1-${subsystem}` }),
      );
    }
    /** One release a subsystem, all at once. */
    const approvedReleases = async (imageDigest: string) => {
      const releases: Awaited<ReturnType<typeof approvedRelease>>[] = [];
      for (const { subsystem, share } of shares) {
        const ticket = `BENCH-${imageDigest.slice(-1)}-${subsystem}`;
        releases.push(await approvedRelease(people, { subsystem, imageDigest, batch: share, ticket }));
      }
      return releases;
    };
    const run = async (releases: Awaited<ReturnType<typeof approvedReleases>>, digest: string) => {
      await Promise.all(releases.map(({ start }) => start()));
      const done = releases.map(({ id }) => untilDone(people, id, longestMs));
      await Promise.all([untilReady(kube, { digest, count }), ...done]);
    };
    const callsBefore = await callsOf(server);
    const busyBefore = server.processorSeconds();
    const deliveredS = await seconds(async () => {
      for (const approve of approvals) await approve();
      progress("written down as delivered");
      const releases = await approvedReleases(digests[0]);
      progress("planned and approved");
      await run(releases, digests[0]);
    });
    const callsBetween = await callsOf(server);
    progress(`delivered in ${deliveredS} s`);
    const releases = await approvedReleases(digests[1]);
    const releasedS = await seconds(() => run(releases, digests[1]));
    const callsAfter = await callsOf(server);
    print({
      name: `delivery: the server's memory at its highest, ${count} simulated instances`,
      value: server.memoryMiB("VmHWM"),
      unit: "MiB",
      baseline: residentMiBOf("kube-controller-manager"),
      baselineIs: "kube-controller-manager, which follows the same objects",
    });
    print({
      name: "delivery: processor time of the server for one instance, delivered and released",
      value: ((server.processorSeconds() - busyBefore) / count) * 1000,
      unit: "ms",
    });
    return {
      deliveredS,
      releasedS,
      callsDelivered: callsBetween - callsBefore,
      callsReleased: callsAfter - callsBetween,
    };
  } finally {
    await server.stop();
    rmSync(state, { recursive: true, force: true });
  }
}

/** For who waits: this takes minutes. */
function progress(text: string): void {
  console.error(`${new Date().toISOString().slice(11, 19)} ${text}`);
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

/** The calls that the server has sent to the cluster, health checks apart, as its own metrics say. */
async function callsOf({ url, token }: RealServer): Promise<number> {
  const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  const text = await answer.text();
  const found = /^wcs_cluster_calls_total\{[^}]*outcome="sent"[^}]*\} (\d+)/m.exec(text)?.[1];
  if (found === undefined) throw new Error(`/metrics does not tell the calls: ${answer.status} ${text.slice(0, 200)}`);
  return Number(found);
}

/** Resident memory of a program that this process has started. */
function residentMiBOf(program: string): number {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const isOurs = status.includes(`PPid:\t${process.pid}\n`);
      if (!isOurs || !readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[0]?.endsWith(program)) continue;
      return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
    } catch {
      // It has ended meanwhile; it is not the one that is looked for.
    }
  }
  throw new Error(`${program} does not run`);
}

async function untilReady(
  kube: KubeClient,
  { digest, count }: Readonly<{ digest: string; count: number }>,
): Promise<void> {
  const done = Promise.withResolvers<void>();
  const ready = new Set<string>();
  const timer = setTimeout(() => done.reject(new Error(`only ${ready.size} of ${count} pods are Ready`)), longestMs);
  const cache = startWatchCache({
    client: kube,
    resource: pods,
    namespace,
    project: ({ metadata, status }) =>
      metadata.deletionTimestamp === undefined &&
      status?.containerStatuses?.[0]?.imageID?.endsWith(digest) === true &&
      status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true,
    onChange: ({ key, after }) => {
      if (after === true) ready.add(key);
      else ready.delete(key);
      if (after === true && ready.size % 500 === 0) progress(`${ready.size} Ready`);
      if (ready.size >= count) done.resolve();
    },
  });
  try {
    await done.promise;
  } finally {
    clearTimeout(timer);
    await cache.close();
  }
}

/** The StatefulSets as WCS makes them, without what is WCS's own. */
function statefulSets({ count, digest }: Readonly<{ count: number; digest: string }>): string {
  const hosts = bankOf(count).hostsOf.get(cluster) ?? [];
  const items = Array.from({ length: count }, (_, index) => {
    const name = `kubectl-${index}`;
    const labels = { app: name };
    const host = hosts[index % hosts.length] ?? "";
    const resources = { cpu: "100m", memory: "128Mi" };
    const matchFields = [{ key: "metadata.name", operator: "In", values: [host] }];
    const container = { name: "app", image: `registry.lab.wcs/demo@${digest}` };
    return {
      apiVersion: "apps/v1",
      kind: "StatefulSet",
      metadata: { name, namespace },
      spec: {
        serviceName: "",
        replicas: 1,
        podManagementPolicy: "Parallel",
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            affinity: {
              nodeAffinity: {
                requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] },
              },
            },
            containers: [{ ...container, resources: { requests: resources, limits: resources } }],
          },
        },
      },
    };
  });
  return JSON.stringify({ apiVersion: "v1", kind: "List", items });
}

async function measureKubectl({ plane, kube, count }: Job): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), "wcs-bench-"));
  try {
    const kubeconfig = join(folder, "kubeconfig");
    writeFileSync(kubeconfig, plane.kubeconfig, { mode: 0o600 });
    const kubectl = async (argv: readonly string[], input: string): Promise<void> => {
      const child = spawn(findKubeBinary("kubectl"), ["--kubeconfig", kubeconfig, ...argv], {
        stdio: ["pipe", "ignore", "inherit"],
      });
      child.stdin.end(input);
      const [code] = await once(child, "exit");
      if (code !== 0) throw new Error(`kubectl ${argv.join(" ")} ended with ${code}`);
    };
    await kubectl(["create", "namespace", namespace], "");
    const apply = (digest: string) =>
      seconds(async () => {
        await kubectl(["apply", "-f", "-"], statefulSets({ count, digest }));
        progress("kubectl has applied");
        await untilReady(kube, { digest, count });
      });
    const callsBefore = await callsOnSets(kube);
    const deliveredS = await apply(digests[0]);
    const callsBetween = await callsOnSets(kube);
    const releasedS = await apply(digests[1]);
    const callsAfter = await callsOnSets(kube);
    return {
      deliveredS,
      releasedS,
      callsDelivered: callsBetween - callsBefore,
      callsReleased: callsAfter - callsBetween,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** kubectl's calls: nobody else gets, makes or patches StatefulSets (the controllers watch them, and write their status by PUT). */
async function callsOnSets(kube: KubeClient): Promise<number> {
  const { body } = await kube.text("/metrics");
  const lines = body.split("\n").filter((line) => /^apiserver_request_total\{.*resource="statefulsets"/.test(line));
  return lines
    .filter((line) => /verb="(GET|POST|PATCH|APPLY)"/.test(line) && line.includes('subresource=""'))
    .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}
