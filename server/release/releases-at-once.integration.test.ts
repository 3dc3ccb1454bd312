import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient, ProblemError, type Client } from "@wcs/api";
import { accessOperations } from "@wcs/api/access";
import { auditOperations } from "@wcs/api/audit";
import { clusterOperations } from "@wcs/api/cluster";
import { changeEstate } from "@wcs/api/estate";
import { releaseOperations } from "@wcs/api/release";
import { requestOperations } from "@wcs/api/request";
import { templateOperations } from "@wcs/api/template";
import { tokenOperations } from "@wcs/api/token";
import { createKubeClient, namespaces, pods, statefulSets, type KubeClient, type PodObject } from "@wcs/kube";
import { startControlPlane, type ControlPlane } from "@wcs/kube/testing";
import { startServerProcess, type ServerProcess } from "../testing/server-process.ts";
import { simulatedBank } from "../testing/simulated-bank.ts";
import { simulateKubelets, type SimulatedKubelets } from "../testing/simulate-kubelets.ts";

const [, createRequest, , approveRequest] = requestOperations;
const [
  ,
  createRelease,
  getRelease,
  approveRelease,
  ,
  startRelease,
  pauseRelease,
  continueRelease,
  abortRelease,
  rollBack,
] = releaseOperations;
const [, createTemplate] = templateOperations;
const [, getCluster, addCluster] = clusterOperations;
const [, createToken] = tokenOperations;
const [listAudit] = auditOperations;
const namespace = "wcs-retail";
const bank = simulatedBank({ clusters: 2, racksPerCluster: 1, hostsPerRack: 2, subsystems: 10 });
const digest = (letter: string) => `sha256:${letter.repeat(64)}`;

describe("two servers, two clusters, ten subsystems", () => {
  const stateDirectory = mkdtempSync(join(tmpdir(), "wcs-at-once-"));
  const planes = new Map<string, ControlPlane>();
  const kubes = new Map<string, KubeClient>();
  const kubelets: SimulatedKubelets[] = [];
  const servers: ServerProcess[] = [];
  const tokens = { admin: "", ann: "", bob: "" };

  before(async () => {
    const start = async (cluster: string) => {
      const plane = await startControlPlane();
      planes.set(cluster, plane);
      await plane.startControllerManager();
      const kube = createKubeClient({ access: plane.access, userAgent: "test", callsPerSecond: 500, burst: 500 });
      kubes.set(cluster, kube);
      kubelets.push(simulateKubelets(kube, { hosts: bank.hostsOf.get(cluster) ?? [], startMs: 300 }));
    };
    const startServers = async () => {
      for (let at = 0; at < 2; at += 1) servers.push(await startServerProcess(stateDirectory));
    };
    await Promise.all([start("c1"), start("c2"), startServers()]);
    tokens.admin = servers[0]?.token ?? "";
    await as("admin").call(changeEstate, { ticket: "CHG-0", body: { documents: [...bank.documents] } });
    const rules = [{ effect: "allow" as const, verbs: ["*"], resources: ["*"] }];
    await as("admin").call(accessOperations.Role.create, { body: { name: "everything", spec: { rules } } });
    const subjects = ["ann", "bob"].map((name) => ({ kind: "Person" as const, name }));
    const spec = { role: "everything", subjects, businesses: ["retail"] };
    await as("admin").call(accessOperations.RoleBinding.create, { body: { name: "retail-all", spec } });
    for (const name of ["ann", "bob"] as const) {
      const subject = { kind: "Person" as const, name };
      tokens[name] = (await as("admin").call(createToken, { body: { subject, lifetimeHours: 1 } })).body.text;
    }
    for (const [name, { kubeconfig }] of planes) {
      await as("admin").call(addCluster, { ticket: "CHG-0", body: { name, kubeconfig } });
    }
    for (const name of planes.keys()) {
      await until(`${name} to be whole`, async () => {
        const { health, baseline, nodes } = (await as("admin").call(getCluster, { params: { name } })).body;
        return health.ready === true && baseline.checkedAt !== null && nodes.ready > 0;
      });
    }
    const image = "registry.bank.example/retail/query";
    const templateSpec = { image, user: { uid: 1000, gid: 1000 }, labels: { tier: "front" } };
    for (const subsystem of bank.subsystems) {
      await as("ann").call(createTemplate, { body: { subsystem, spec: templateSpec } });
      const body = { subsystem, class: "tiny", counts: { "1C1": 2, "1C2": 1 } };
      const request = await until("room for the instances", async () => {
        try {
          return (await as("ann").call(createRequest, { ticket: `CHG-R${subsystem}`, body })).body;
        } catch (error) {
          if (error instanceof ProblemError && error.problem.code === "request.impossible") return false;
          throw error;
        }
      });
      const approval = { params: { id: request.id }, body: { planHash: request.planHash } };
      await as("bob").call(approveRequest, approval);
    }
  });
  after(async () => {
    for (const plane of planes.values()) await plane.resumeApiserver();
    for (const server of servers) await server.stop();
    for (const simulated of kubelets) await simulated.stop();
    for (const kube of kubes.values()) kube.close();
    for (const plane of planes.values()) await plane.stop();
    rmSync(stateDirectory, { recursive: true, force: true });
  });

  /** A person at the last server that was started. */
  const as = (who: keyof typeof tokens): Client =>
    createClient({ baseUrl: servers.at(-1)?.url ?? "", token: tokens[who], timeoutMs: 20_000 });
  const until = async <T>(what: string, look: () => Promise<T | false>): Promise<T> => {
    for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 50) {
      const seen = await look();
      if (seen !== false) return seen;
      await sleep(50);
    }
    return assert.fail(`waited 60 s for ${what}`);
  };
  const clusterOf = (name: string): KubeClient => kubes.get(name) ?? assert.fail(name);
  const podsOf = async (cluster: string): Promise<readonly PodObject[]> =>
    (await clusterOf(cluster).list(pods, { namespace })).items;
  const allPods = async () => (await Promise.all([...kubes.keys()].map(podsOf))).flat();
  const restartsOf = (pod: PodObject) => pod.status?.containerStatuses?.[0]?.restartCount;
  const imageOf = (pod: PodObject) => pod.spec?.containers[0]?.image?.split("@")[1];
  const show = async (id: string) => (await as("ann").call(getRelease, { params: { id } })).body;
  const is = (id: string, state: string) =>
    until(`${id} to be ${state}`, async () => {
      const release = await show(id);
      const isOver = ["failed", "done", "aborted"].includes(release.state);
      assert.ok(release.state === state || !isOver, `${id} is ${release.state}: ${release.reason}`);
      return release.state === state && release;
    });
  let tickets = 0;
  const approved = async (subsystem: string, letter: string, more: object = {}): Promise<string> => {
    tickets += 1;
    const made = await as("ann").call(createRelease, {
      ticket: `CHG-${tickets}`,
      body: {
        subsystem,
        environment: "production",
        template: 1,
        imageDigest: digest(letter),
        rollbackTo: "previous",
        verification: "the counters of the day are right",
        gates: { soakSeconds: 0, readyTimeoutSeconds: 60 },
        strategy: { canary: null, batch: { instances: 1 }, pauseAfter: "none" },
        ...more,
      },
    });
    const { id, planHash } = made.body;
    await as("bob").call(approveRelease, { params: { id }, body: { planHash } });
    return id;
  };
  const start = (id: string) => as("ann").call(startRelease, { params: { id }, body: {} });
  const problem = async (call: Promise<unknown>): Promise<string> => {
    try {
      await call;
    } catch (error) {
      assert.ok(error instanceof ProblemError, String(error));
      return `${error.problem.code}: ${error.problem.detail}`;
    }
    return assert.fail("it was not refused");
  };
  /** How often the reconciler wrote down that a release changes an instance. */
  const changesIn = async (release: string): Promise<ReadonlyMap<string, number>> => {
    const counts = new Map<string, number>();
    for (let cursor: string | undefined; ;) {
      const query = {
        limit: 500,
        kind: "Instance",
        act: "releases.reconcile",
        ...(cursor === undefined ? {} : { cursor }),
      };
      const { body } = await as("admin").call(listAudit, { query });
      for (const { resource, after } of body.items) {
        if ((after as { release?: string } | null)?.release !== release) continue;
        counts.set(resource.name, (counts.get(resource.name) ?? 0) + 1);
      }
      if (body.next === null) return counts;
      cursor = body.next;
    }
  };

  it("goes on with ten releases at once when the server that worked on them is killed, and doubles nothing", async () => {
    const ids = await Promise.all(bank.subsystems.map((subsystem) => approved(subsystem, "a")));
    await Promise.all(ids.map(start));
    await until("some to have passed", async () => {
      const seen = await Promise.all(ids.map(show));
      return seen.some(({ passed }) => passed > 0) && seen.some(({ state }) => state === "running");
    });
    await servers[0]?.kill();
    servers[0] = servers[1] ?? assert.fail();
    const done = await Promise.all(ids.map((id) => is(id, "done")));
    for (const { id, targets } of done) {
      assert.ok(targets.every(({ outcome, seconds }) => outcome === "passed" && seconds !== null));
      assert.deepEqual([...(await changesIn(id)).values()], [1, 1, 1], "each instance was changed once");
    }
    const there = await allPods();
    assert.equal(there.length, 30);
    assert.deepEqual([...new Set(there.map(restartsOf))], [0]);
    servers.push(await startServerProcess(stateDirectory));
  });

  it("refuses a second release of an instance, and says which one holds it", async () => {
    const [first, second] = [await approved("1001", "b"), await approved("1001", "c")];
    await start(first);
    assert.match(await problem(start(second)), new RegExp(`^instance.busy: .* by ${first}`));
    await is(first, "done");
    // What it was planned on has changed: it is planned again, to be approved as it is now.
    const { body: again } = await start(second);
    assert.equal(again.state, "awaiting-approval");
  });

  it("lets the instances of a cluster that is away wait while others go on, and does nothing twice when it is back", async () => {
    const before = new Map((await allPods()).map((pod) => [pod.metadata.uid, restartsOf(pod)]));
    const [strict, lenient] = [await approved("1002", "b"), await approved("1003", "b", { goOnWithoutCluster: true })];
    await planes.get("c2")?.killApiserver();
    await until("c2 to be away", async () => {
      const { health } = (await as("admin").call(getCluster, { params: { name: "c2" } })).body;
      return health.reachable === false;
    });
    await Promise.all([start(strict), start(lenient)]);
    const waiting = await until("the others to have passed", async () => {
      const release = await show(lenient);
      return release.passed === 2 && release.state === "waiting" && release;
    });
    assert.match(waiting.reason, /on a cluster that does not answer/);
    await is(strict, "waiting");
    await planes.get("c2")?.startApiserver();
    for (const id of [strict, lenient]) {
      assert.equal((await is(id, "done")).passed, 3);
      assert.deepEqual([...(await changesIn(id)).values()], [1, 1, 1]);
    }
    for (const pod of await allPods()) {
      const isChanged = ["1002", "1003"].includes(pod.metadata.labels?.["wcs.io/subsystem"] ?? "");
      const restarts = before.get(pod.metadata.uid);
      assert.equal(restartsOf(pod), (restarts ?? -1) + (isChanged ? 1 : 0), pod.metadata.name);
    }
  });

  it("is not held up on one cluster by another that takes calls and answers none", async () => {
    const instances = (subsystem: string) => [`${subsystem}-1c1-01`, `${subsystem}-1c1-02`];
    const away = await Promise.all(
      ["1004", "1005", "1006"].map((subsystem) => approved(subsystem, "b", { instances: [`${subsystem}-1c2-01`] })),
    );
    const well = await approved("1007", "b", { instances: instances("1007") });
    await planes.get("c2")?.pauseApiserver();
    await Promise.all(away.map(start));
    await start(well);
    await is(well, "done");
    for (const id of away) assert.equal((await show(id)).passed, 0);
    await planes.get("c2")?.resumeApiserver();
    for (const id of away) await is(id, "done");
  });

  it("keeps a pause and an abort over a crash, goes on where it was, and goes back to any earlier release", async () => {
    const crash = async () => {
      const next = await startServerProcess(stateDirectory);
      for (const server of servers.splice(0)) await server.kill();
      servers.push(next);
    };
    const [second, third] = [await approved("1008", "b"), await approved("1009", "b")];
    await Promise.all([start(second), start(third)]);
    await until("both to have begun", async () =>
      (await Promise.all([second, third].map(show))).every(({ targets }) =>
        targets.some(({ changedAt }) => changedAt !== null),
      ),
    );
    await as("ann").call(pauseRelease, { params: { id: second }, body: {} });
    const aborted = (await as("ann").call(abortRelease, { params: { id: third }, body: {} })).body;
    const touched = async (id: string) => (await show(id)).targets.filter(({ changedAt }) => changedAt !== null).length;
    const paused = await touched(second);
    await crash();
    // Once another release has come to its end, the new server has the leases of the old ones.
    // PostgreSQL may have gone with its server and be back: the same ticket brings the same release, however often it is asked for.
    const ticketsBefore = tickets;
    const probe = await until("the new server and its database to answer", async () => {
      tickets = ticketsBefore;
      try {
        return await approved("1010", "b");
      } catch (error) {
        if (error instanceof ProblemError && error.problem.status >= 500) return false;
        throw error;
      }
    });
    await start(probe);
    await is(probe, "done");
    assert.equal((await show(second)).state, "paused");
    assert.equal(await touched(second), paused);
    assert.equal((await show(third)).state, "aborted");
    assert.equal(await touched(third), aborted.targets.filter(({ changedAt }) => changedAt !== null).length);
    await as("bob").call(continueRelease, { params: { id: second }, body: {} });
    await is(second, "done");
    assert.deepEqual([...(await changesIn(second)).values()], [1, 1, 1]);

    const fourth = await approved("1008", "c");
    await start(fourth);
    await is(fourth, "done");
    const first = (await show(second)).targets[0];
    assert.equal(first?.from?.imageDigest, digest("a"));
    const [oldest = ""] = await firstReleaseOf("1008");
    await as("ann").call(rollBack, { params: { id: fourth }, body: { to: oldest } });
    await until("it to be taken back", async () => (await show(fourth)).state === "rolled-back");
    const images = (await allPods()).filter(({ metadata }) => metadata.name.startsWith("1008-")).map(imageOf);
    assert.deepEqual([...new Set(images)], [digest("a")]);
  });

  const firstReleaseOf = async (subsystem: string): Promise<readonly string[]> => {
    const { items } = (await as("ann").call(releaseOperations[0], { query: { subsystem } })).body;
    return items.map(({ id }) => id).toReversed();
  };

  it("puts right, by what the cluster tells, a pod, a StatefulSet, labels, an image and a namespace", async (context) => {
    const kube = clusterOf("c1");
    const name = "1001-1c1-01";
    const pod = { namespace, name: `${name}-0` };
    const uid = (await kube.get(pods, pod)).metadata.uid;
    const timed = async (what: string, look: () => Promise<boolean>) => {
      const started = performance.now();
      await until(what, look);
      context.diagnostic(`${what}: ${Math.round(performance.now() - started)} ms`);
    };
    const isReady = (object: PodObject | null) =>
      object?.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;

    await kube.patch(pods, {
      ...pod,
      kind: "merge",
      patch: { metadata: { labels: { tier: "back", stray: "x" } } },
    });
    await timed("labels", async () => {
      const { labels = {} } = (await kube.get(pods, pod)).metadata;
      return labels["tier"] === "front";
    });
    const container = { name: "app", image: "registry.bank.example/other/thing:latest" };
    await kube.patch(pods, { ...pod, kind: "strategic", patch: { spec: { containers: [container] } } });
    await timed("image", async () => imageOf(await kube.get(pods, pod)) === digest("b"));
    const set = { namespace, name };
    const setUid = (await kube.get(statefulSets, set)).metadata.uid;
    await kube.patch(statefulSets, {
      ...set,
      kind: "merge",
      patch: { spec: { replicas: 0, template: { metadata: { labels: { tier: "back" } } } } },
    });
    await timed("count and template of the StatefulSet", async () => {
      const { spec } = await kube.get(statefulSets, set);
      const { replicas, template } = spec as { replicas: number; template: PodObject };
      return replicas === 1 && template.metadata.labels?.["tier"] === "front";
    });
    await kube.delete(statefulSets, { ...set, propagation: "Orphan" });
    await timed("StatefulSet", async () => {
      const now = await kube.find(statefulSets, set);
      return now !== null && now.metadata.uid !== setUid;
    });
    await until("it to be ready", async () => isReady(await kube.find(pods, pod)));
    await kube.delete(pods, { ...pod, gracePeriodSeconds: 0 });
    await timed("pod", async () => {
      const now = await kube.find(pods, pod);
      return isReady(now) && now?.metadata.uid !== uid;
    });
    const old = (await kube.get(namespaces, { name: namespace })).metadata.uid;
    await kube.delete(namespaces, { name: namespace });
    await until("the namespace to be gone", async () => {
      const now = await kube.find(namespaces, { name: namespace });
      return now === null || now.metadata.uid !== old;
    });
    await timed("namespace and its instances' StatefulSets", async () => {
      const found = await kube.list(statefulSets, { namespace });
      return found.items.length === 20;
    });
    await timed("all pods of the namespace", async () => (await podsOf("c1")).filter(isReady).length === 20);
  });
});
