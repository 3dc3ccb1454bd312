import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ProblemError, type Client } from "@wcs/api";
import { accessOperations } from "@wcs/api/access";
import { auditOperations } from "@wcs/api/audit";
import { clusterOperations } from "@wcs/api/cluster";
import { changeEstate } from "@wcs/api/estate";
import { instanceOperations } from "@wcs/api/instance";
import { placementOperations } from "@wcs/api/placement";
import { recoveryOperations } from "@wcs/api/recovery";
import { releaseOperations } from "@wcs/api/release";
import { requestOperations } from "@wcs/api/request";
import { templateOperations } from "@wcs/api/template";
import { tokenOperations } from "@wcs/api/token";
import {
  fenceAnnotationName,
  networkAnnotationName,
  parseHostFence,
  parseNetworkAnnotation,
  type FencedInstance,
} from "@wcs/core/ipam";
import { createKubeClient, nodes, pods, resourceType, type KubeClient } from "@wcs/kube";
import { startControlPlane, type ControlPlane } from "@wcs/kube/testing";
import {
  startTestPostgres,
  startTestServer,
  type TestDatabase,
  type TestPostgres,
  type TestServer,
} from "../testing/index.ts";
import { mainJobEstate, mainJobHosts } from "../testing/main-job-estate.ts";
import { simulateKubelets, type SimulatedKubelets } from "../testing/simulate-kubelets.ts";
import { recoveryFaultPoints } from "./move-instance.ts";
import type { RackAnswer, RackQuestion } from "./rack-prober.ts";

const [listInstances, getInstance, , , stopInstance] = instanceOperations;
const [, createRequest, , approveRequest] = requestOperations;
const [, createRelease, getRelease, approveRelease, , startRelease] = releaseOperations;
const [, createTemplate] = templateOperations;
const [, , addCluster] = clusterOperations;
const [, createToken] = tokenOperations;
const [listAudit] = auditOperations;
const { explain } = placementOperations;
const { create, get, approve, reject, returnHost } = recoveryOperations;
const namespace = "wcs-retail";
const ticket = "CHG-1";
/** h1 and h3 are in one rack. */
const [lostHost = "", , otherHost = ""] = mainJobHosts;

describe("the recovery of a lost host", () => {
  let postgres: TestPostgres;
  let database: TestDatabase;
  let server: TestServer;
  let plane: ControlPlane;
  let kube: KubeClient;
  let kubelets: SimulatedKubelets;
  let retail: Client;
  let approver: Client;
  let first: Client;
  let second: Client;
  let rack: (question: RackQuestion) => RackAnswer = silence;
  const asked: RackQuestion[] = [];
  /** What the agent of the lost host says it has. */
  let held: FencedInstance[] = [];
  /** Points at which the recovery is broken off, once each. */
  const breaks = new Set<string>();

  function silence(): RackAnswer {
    return { askedBy: otherHost, mac: null };
  }

  before(async () => {
    [postgres, plane] = await Promise.all([startTestPostgres(), startControlPlane()]);
    await plane.startControllerManager(["--node-monitor-grace-period=6s", "--node-monitor-period=1s"]);
    kube = createKubeClient({ access: plane.access, userAgent: "test" });
    kubelets = simulateKubelets(kube, { hosts: mainJobHosts, beatMs: 1_000 });
    database = await postgres.createDatabase();
    server = await startTestServer(database, {
      env: { WCS_LOG_LEVEL: "error" },
      recovery: {
        prober: {
          ask: (_, question) => {
            asked.push(question);
            return Promise.resolve(rack(question));
          },
          instancesOn: () => Promise.resolve(held),
        },
        faults: (point) => {
          if (breaks.delete(point)) throw new Error(`broken off at ${point}`);
        },
      },
    });
    const operators = ["ops-one", "ops-two"].map((name) => ({ kind: "Person", name, spec: { business: "retail" } }));
    const documents = [...mainJobEstate(), ...operators];
    await server.admin.call(changeEstate, { ticket: "CHG-0", body: { documents } });
    const bind = async (name: string, people: readonly string[], businesses?: string[]) => {
      const rules = [{ effect: "allow" as const, verbs: ["*"], resources: businesses ? ["*"] : ["recoveries"] }];
      await server.admin.call(accessOperations.Role.create, { body: { name, spec: { rules } } });
      const subjects = people.map((person) => ({ kind: "Person" as const, name: person }));
      const spec = { role: name, subjects, ...(businesses && { businesses }) };
      await server.admin.call(accessOperations.RoleBinding.create, { body: { name, spec } });
    };
    await bind("retail-all", ["ann", "bob"], ["retail"]);
    await bind("operators", ["ops-one", "ops-two"]);
    [retail, approver, first, second] = [
      await clientOf("ann"),
      await clientOf("bob"),
      await clientOf("ops-one"),
      await clientOf("ops-two"),
    ];
    const { kubeconfig } = plane;
    await server.admin.call(addCluster, { ticket: "CHG-0", body: { name: "idc1-c1", kubeconfig } });
    const body = { subsystem: "1001", class: "2C4G", counts: { "1C1": 6, "1C2": 4 } };
    await until("the hosts to be heard of", async () =>
      retail.call(createRequest, { body, ticket, query: { dryRun: true } }).then(
        () => true,
        () => false,
      ),
    );
    const request = (await retail.call(createRequest, { body, ticket })).body;
    await approver.call(approveRequest, { params: { id: request.id }, body: { planHash: request.planHash } });
    await until("the namespace of the business", async () => {
      const binding = resourceType("rbac.authorization.k8s.io/v1/rolebindings", "RoleBinding", "namespaced");
      return (await kube.list(binding, { namespace })).items.length > 0;
    });
    const spec = { image: "registry.bank.example/retail/query", user: { uid: 1000, gid: 1000 } };
    await retail.call(createTemplate, { body: { subsystem: "1001", spec } });
    const release = await retail.call(createRelease, {
      ticket: "CHG-2",
      body: {
        subsystem: "1001",
        environment: "production",
        template: 1,
        imageDigest: `sha256:${"a".repeat(64)}`,
        verification: "it answers",
        gates: { soakSeconds: 0 },
        strategy: { canary: null, batch: { instances: 10 }, pauseAfter: "none" },
      },
    });
    const { id, planHash } = release.body;
    await approver.call(approveRelease, { params: { id }, body: { planHash } });
    await retail.call(startRelease, { params: { id }, body: {} });
    await until("the release", async () => (await retail.call(getRelease, { params: { id } })).body.state === "done");
  });
  after(async () => {
    await server?.stop();
    await kubelets?.stop();
    kube?.close();
    await plane?.stop();
    await postgres?.stop();
  });

  const clientOf = async (name: string): Promise<Client> => {
    const subject = { kind: "Person" as const, name };
    return server.clientOf((await server.admin.call(createToken, { body: { subject, lifetimeHours: 1 } })).body.text);
  };
  const until = async <T>(what: string, look: () => Promise<T | false>): Promise<T> => {
    for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 100) {
      const seen = await look();
      if (seen !== false) return seen;
      await sleep(100);
    }
    return assert.fail(`waited 60 s for ${what}`);
  };
  const problem = async (call: Promise<unknown>): Promise<string> => {
    try {
      await call;
    } catch (error) {
      assert.ok(error instanceof ProblemError, String(error));
      return `${error.problem.code}: ${error.problem.detail}`;
    }
    return assert.fail("it was not refused");
  };
  const instances = async () => (await retail.call(listInstances, {})).body.items;
  const on = async (host: string) => (await instances()).filter((instance) => instance.host === host);
  const podsThere = async () =>
    new Map((await kube.list(pods, { namespace })).items.map((pod) => [pod.metadata.name, pod] as const));
  const lose = async (host: string): Promise<void> => {
    kubelets.silent.add(host);
    await until(`${host} to be lost`, async () => (await on(host)).every(({ state }) => state === "lost"));
  };
  const giveBack = async (host: string): Promise<void> => {
    kubelets.silent.delete(host);
    await until(`${host} to be back`, async () => (await on(host)).every(({ state }) => state === "ready"));
  };
  const plan = async (host: string) => (await first.call(create, { ticket, body: { host } })).body;
  const approved = async (host: string) => {
    const { id, planHash } = await plan(host);
    return (await second.call(approve, { params: { id }, body: { planHash } })).body;
  };
  const ended = (id: string) =>
    until(`${id} to end`, async () => {
      const now = (await first.call(get, { params: { id } })).body;
      return now.state !== "running" && now;
    });
  const fenceOn = async (host: string) => {
    const { metadata, spec } = await kube.get(nodes, { name: host });
    const text = metadata.annotations?.[fenceAnnotationName];
    return {
      text,
      cordoned: spec?.unschedulable === true,
      tainted: spec?.taints?.some(({ key }) => key === "wcs.io/fenced"),
    };
  };

  it("is refused for a host that is up, to people of one business, without a ticket, and for a host that is not there", async () => {
    assert.match(await problem(first.call(create, { ticket, body: { host: lostHost } })), /^recovery.refused: .*is up/);
    assert.match(await problem(retail.call(create, { ticket, body: { host: lostHost } })), /^auth.forbidden/);
    assert.match(await problem(first.call(create, { ticket, body: { host: "idc9-h9" } })), /^resource.not-found/);
    await lose(lostHost);
    assert.match(await problem(first.call(create, { body: { host: lostHost } })), /^act.ticket-required/);
    const bad = { host: lostHost, budget: { instancesPerBatch: 0, instancesPerHost: 1 } };
    assert.match(await problem(first.call(create, { ticket, body: bad })), /^request.invalid/);
  });

  it("is planned and explained, approved by another person only, and moves nothing when it is rejected", async () => {
    const dry = (await first.call(create, { ticket, body: { host: lostHost }, query: { dryRun: true } })).body;
    const names = (await on(lostHost)).map(({ name }) => name);
    assert.deepEqual(dry.plan.moves.map(({ instance }) => instance).toSorted(), names);
    assert.ok(dry.plan.moves.every(({ toHost }) => toHost === otherHost));
    assert.match(dry.plan.moves[0]?.why.en ?? "", /of the 1 other host of rack idc1-r1, 1 can take it/);
    assert.match(dry.lost, /Kubelet stopped posting node status/);
    const { id, planHash } = await plan(lostHost);
    assert.equal(planHash, dry.planHash);
    assert.match(await problem(plan(lostHost)), /^recovery.refused: .*recovers idc1-h1 already/);
    const params = { id };
    assert.match(
      await problem(first.call(approve, { params, body: { planHash } })),
      /^approval.refused: .*another person/,
    );
    const wrong = { planHash: `sha256:${"0".repeat(64)}` };
    assert.match(await problem(second.call(approve, { params, body: wrong })), /^approval.refused: .*changed/);
    assert.match(await problem(retail.call(get, { params })), /^resource.not-found/);
    assert.equal(
      (await second.call(reject, { params, body: { why: "the host is on its way" } })).body.state,
      "rejected",
    );
    assert.match(await problem(second.call(approve, { params, body: { planHash } })), /^recovery.refused: .*rejected/);
    assert.equal((await on(lostHost)).length, names.length);
    assert.equal(asked.length, 0);
  });

  it("shows the new plan, and moves nothing, when the approved one does not hold any more", async () => {
    const before = await plan(lostHost);
    const [gone] = before.plan.moves;
    assert.ok(gone);
    const { metadata } = await kube.get(nodes, { name: otherHost });
    const cordon = (unschedulable: boolean | null) =>
      kube.patch(nodes, {
        name: otherHost,
        kind: "merge",
        patch: { metadata: { uid: metadata.uid }, spec: { unschedulable } },
      });
    await cordon(true);
    const isClosed = async () => {
      const { plan: now } = (await first.call(get, { params: { id: before.id } })).body;
      const seen = await server.admin.call(explain, {
        body: { question: { replace: [gone.instance] }, host: otherHost },
      });
      const reasons = seen.body.host?.demands.flatMap((demand) => demand.reasons.map(({ rule }) => rule));
      return now.moves.length > 0 && reasons?.includes("host-state") === true;
    };
    await until("the other host to be closed", isClosed);
    const { body } = await second.call(approve, { params: { id: before.id }, body: { planHash: before.planHash } });
    assert.equal(body.state, "awaiting-approval");
    assert.notEqual(body.planHash, before.planHash);
    assert.match(
      body.plan.left[0]?.why.en ?? "",
      /no host of rack idc1-r1 can take it: idc1-h3: the host is not available/,
    );
    assert.match(body.plan.left[0]?.why.zh ?? "", /宿主机不可用/);
    await first.call(reject, { params: { id: before.id }, body: { why: "no room" } });
    await cordon(null);
    await until("the other host to be open again", async () => !(await isClosed()));
  });

  it("does not move an instance whose address still answers, says so, and fences nothing", async () => {
    rack = () => ({ askedBy: otherHost, mac: "02:57:0a:47:01:64" });
    const before = await on(lostHost);
    const now = await ended((await approved(lostHost)).id);
    assert.equal(now.state, "done");
    for (const move of now.moves) {
      assert.equal(move.state, "stayed");
      assert.match(
        move.reason,
        /still answers on its rack \(02:57:0a:47:01:64\): the old container lives, so it is not moved/,
      );
    }
    assert.deepEqual(
      (await on(lostHost)).map(({ name }) => name),
      before.map(({ name }) => name),
    );
    assert.equal((await fenceOn(lostHost)).text, undefined);
    assert.ok(asked.every((question) => question.rack === "idc1-r1" && question.notHost === lostHost));
  });

  it("leaves everything as it is when the host is back before the move is decided", async () => {
    rack = () => ({ problem: "no agent answers" });
    const uids = new Map([...(await podsThere())].map(([name, pod]) => [name, pod.metadata.uid]));
    const { id } = await approved(lostHost);
    const waiting = await until("it to wait for somebody to ask", async () => {
      const now = (await first.call(get, { params: { id } })).body;
      return now.moves.every(({ reason }) => reason.includes("no agent answers")) && now;
    });
    assert.ok(waiting.moves.every(({ state }) => state === "planned"));
    kubelets.silent.delete(lostHost);
    const now = await ended(id);
    for (const move of now.moves) assert.match(move.reason, /the host is back .*stays on it/);
    await until("them to be well again", async () =>
      (await on(lostHost)).every(({ state }) => state === "ready" || state === "stopped"),
    );
    for (const [name, pod] of await podsThere()) assert.equal(pod.metadata.uid, uids.get(name));
    assert.equal((await fenceOn(lostHost)).text, undefined);
  });

  it("moves each instance once with its addresses, although it is broken off at every step, and fences the host first", async () => {
    rack = silence;
    const [stopped] = await on(lostHost);
    await retail.call(stopInstance, { params: { name: stopped?.name ?? "" }, ticket });
    await until("one of them to be stopped", async () => (await on(lostHost)).some(({ state }) => state === "stopped"));
    await lose(lostHost);
    const before = await on(lostHost);
    assert.ok(before.some(({ wish }) => wish === "run") && before.some(({ wish }) => wish === "stop"));
    const generations = new Map(await generationsNow());
    for (const point of recoveryFaultPoints) breaks.add(point);
    const now = await ended((await approved(lostHost)).id);
    assert.deepEqual([now.state, ...new Set(now.moves.map(({ state }) => state))], ["done", "done"], now.reason);
    assert.equal(breaks.size, 0, `never came to ${[...breaks].join(", ")}`);
    const there = await podsThere();
    const fence = await fenceOn(lostHost);
    const fenced = parseHostFence(fence.text ?? "", lostHost);
    assert.ok(fenced.ok && fence.cordoned && fence.tainted);
    for (const { name, nics, wish } of before) {
      const moved = (await retail.call(getInstance, { params: { name } })).body;
      assert.deepEqual([moved.host, moved.nics, moved.movedBy], [otherHost, nics, null]);
      const named = fenced.value.instances.find(({ instance }) => instance === name);
      const generation: number = named?.generation ?? 0;
      if (wish === "stop") {
        assert.equal(there.has(`${name}-0`), false);
        continue;
      }
      const pod = there.get(`${name}-0`);
      assert.equal(pod?.spec?.nodeName, otherHost);
      const network = parseNetworkAnnotation(pod?.metadata.annotations?.[networkAnnotationName] ?? "");
      assert.ok(network.ok);
      assert.equal(network.value.nics[0]?.address, `${nics[0]?.ip}/24`);
      assert.equal(generation, generations.get(name), "the fence names what the host had");
      assert.ok(network.value.generation > generation, "the new pod is beyond the fence");
      await until(
        `${name} to be ready`,
        async () => (await retail.call(getInstance, { params: { name } })).body.state === "ready",
      );
    }
    const acts = (
      await server.admin.call(listAudit, { query: { limit: 500, act: "recoveries.reconcile", kind: "Instance" } })
    ).body;
    for (const { name } of before) {
      const of = acts.items.filter(
        ({ resource, after: what }) => resource.name === name && JSON.stringify(what).includes("fencedGeneration"),
      );
      assert.equal(of.length, 1, `${name} was given its new host once`);
    }
  });

  it("keeps the fence on the Node when it is taken off or the host is back, and lifts it when a person lets the host take part again", async () => {
    const byHand = (patch: object) => kube.patch(nodes, { name: lostHost, kind: "merge", patch });
    await assert.rejects(
      byHand({ metadata: { annotations: { [fenceAnnotationName]: null } } }),
      /wcs-reserved-metadata/,
      "nobody but WCS takes a fence off",
    );
    await byHand({ spec: { unschedulable: null, taints: null } });
    kubelets.silent.delete(lostHost);
    await until("cordon and taint to be back", async () => {
      const fence = await fenceOn(lostHost);
      return fence.text !== undefined && fence.cordoned && fence.tainted === true;
    });
    const there = [...(await podsThere()).values()].filter(({ spec }) => spec?.nodeName === lostHost);
    assert.deepEqual(there, []);
    const [newest] = (await first.call(recoveryOperations.list, { query: { host: lostHost } })).body.items;
    const params = { id: newest?.id ?? "" };
    await until(
      "the host to be back",
      async () =>
        (await kube.get(nodes, { name: lostHost })).status?.conditions?.some(
          ({ type, status }) => type === "Ready" && status === "True",
        ) === true,
    );
    const fence = parseHostFence((await fenceOn(lostHost)).text ?? "", lostHost);
    assert.ok(fence.ok);
    held = [...fence.value.instances];
    assert.match(
      await problem(first.call(returnHost, { params, body: {} })),
      /^recovery.refused: .*(still has what was moved away|is not up)/,
    );
    held = [];
    await until("it to be let in again", async () =>
      first.call(returnHost, { params, body: {} }).then(
        () => true,
        () => false,
      ),
    );
    await until("the fence to be gone", async () => {
      const fence = await fenceOn(lostHost);
      return fence.text === undefined && !fence.cordoned && !fence.tainted;
    });
    await giveBack(lostHost);
  });

  const generationsNow = async (): Promise<(readonly [string, number])[]> =>
    [...(await podsThere())].flatMap(([name, pod]) => {
      const network = parseNetworkAnnotation(pod.metadata.annotations?.[networkAnnotationName] ?? "");
      return network.ok ? [[name.slice(0, -2), network.value.generation] as const] : [];
    });
});
