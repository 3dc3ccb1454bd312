import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { ProblemError, type Client } from "@wcs/api";
import { accessOperations } from "@wcs/api/access";
import { clusterOperations } from "@wcs/api/cluster";
import { changeEstate } from "@wcs/api/estate";
import { instanceOperations } from "@wcs/api/instance";
import { freezeOperations, releaseOperations } from "@wcs/api/release";
import { requestOperations } from "@wcs/api/request";
import { templateOperations } from "@wcs/api/template";
import { tokenOperations } from "@wcs/api/token";
import { createKubeClient, formatKubeconfig, pods, resourceType, type KubeClient, statefulSets } from "@wcs/kube";
import { startControlPlane, startRelay, type ControlPlane, type Relay } from "@wcs/kube/testing";
import { mainJobEstate, mainJobHosts } from "../testing/main-job-estate.ts";
import { simulateKubelets, type SimulatedKubelets } from "../testing/simulate-kubelets.ts";
import {
  startTestPostgres,
  startTestServer,
  type TestDatabase,
  type TestPostgres,
  type TestServer,
} from "../testing/index.ts";

const [listInstances, getInstance, diffInstance, startInstance, stopInstance, restartInstance] = instanceOperations;
const [listRequests, createRequest, , approveRequest] = requestOperations;
const [
  listReleases,
  createRelease,
  getRelease,
  approveRelease,
  ,
  startRelease,
  pauseRelease,
  continueRelease,
  abortRelease,
  rollBackRelease,
] = releaseOperations;
const [, createWindow, deleteWindow] = freezeOperations;
const [, createTemplate, , diffTemplate] = templateOperations;
const [, , addCluster] = clusterOperations;
const [, createToken] = tokenOperations;
const digest = (letter: string) => `sha256:${letter.repeat(64)}`;

const ticket = "CHG-1";
const body = { subsystem: "1001", class: "2C4G", counts: { "1C1": 3, "1C2": 3 } };

describe("the main job on a real database and a real API server", () => {
  let postgres: TestPostgres;
  let database: TestDatabase;
  let server: TestServer;
  let plane: ControlPlane;
  let relay: Relay;
  let kube: KubeClient;
  let kubelets: SimulatedKubelets;
  const stateDirectory = mkdtempSync(join(tmpdir(), "wcs-main-job-"));
  let ann: Client;
  let bob: Client;

  before(async () => {
    [postgres, plane] = await Promise.all([startTestPostgres(), startControlPlane()]);
    await plane.startControllerManager(["--node-monitor-grace-period=20s"]);
    kube = createKubeClient({ access: plane.access, userAgent: "test" });
    kubelets = simulateKubelets(kube, { hosts: mainJobHosts });
    database = await postgres.createDatabase();
    server = await startTestServer(database, { stateDirectory });
    await server.admin.call(changeEstate, { ticket: "CHG-0", body: { documents: mainJobEstate() } });
    const { create: createRole } = accessOperations.Role;
    const { create: createBinding } = accessOperations.RoleBinding;
    const rules = [{ effect: "allow" as const, verbs: ["*"], resources: ["*"] }];
    await server.admin.call(createRole, { body: { name: "everything", spec: { rules } } });
    const subjects = ["ann", "bob"].map((name) => ({ kind: "Person" as const, name }));
    const spec = { role: "everything", subjects, businesses: ["retail"] };
    await server.admin.call(createBinding, { body: { name: "retail-all", spec } });
    [ann, bob] = [await clientOf("ann"), await clientOf("bob")];
    relay = await startRelay(Number(new URL(plane.server).port));
    const kubeconfig = formatKubeconfig({ ...plane.access, server: `https://127.0.0.1:${relay.port}` });
    await server.admin.call(addCluster, { ticket: "CHG-0", body: { name: "idc1-c1", kubeconfig } });
    await until("the cluster and its hosts to be heard of, and the ledger to have the subnets", async () => {
      const seen = ann.call(createRequest, { body, ticket, query: { dryRun: true } });
      return seen.then(
        () => true,
        () => false,
      );
    });
    await until("the namespace of the business", async () => {
      const binding = resourceType("rbac.authorization.k8s.io/v1/rolebindings", "RoleBinding", "namespaced");
      const found = await kube.list(binding, { namespace: "wcs-retail" });
      return found.items.length > 0;
    });
  });
  after(async () => {
    await server?.stop();
    await kubelets?.stop();
    await relay?.close();
    kube?.close();
    await plane?.stop();
    await postgres?.stop();
    rmSync(stateDirectory, { recursive: true });
  });

  const tokens = new Map<string, string>();
  const clientOf = async (name: string): Promise<Client> => {
    const subject = { kind: "Person" as const, name };
    const { body } = await server.admin.call(createToken, { body: { subject, lifetimeHours: 1 } });
    tokens.set(name, body.text);
    return server.clientOf(body.text);
  };
  /** `wcs` as a person runs it. */
  const wcs = async (person: string, line: string, lang = "C") => {
    const env = {
      PATH: process.env["PATH"],
      HOME: stateDirectory,
      LANG: lang,
      WCS_SERVER: server.url,
      WCS_TOKEN: tokens.get(person),
    };
    const stdio = ["ignore", "pipe", "pipe"] as const;
    const program = `${import.meta.dirname}/../../cli/bin/wcs`;
    const child = spawn(program, line.split(" "), { env, stdio: [...stdio], timeout: 30_000 });
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "exit") as Promise<[number]>,
    ]);
    return { code, stdout, stderr };
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
  const until = async <T>(what: string, look: () => Promise<T | false>): Promise<T> => {
    for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 100) {
      const seen = await look();
      if (seen !== false) return seen;
      await sleep(100);
    }
    return assert.fail(`waited 60 s for ${what}`);
  };
  const releaseOf = async (id: string) => (await ann.call(getRelease, { params: { id } })).body;
  const releaseIs = (id: string, state: string) =>
    until(`${id} to be ${state}`, async () => {
      const release = await releaseOf(id);
      if (release.state !== state && ["failed", "done", "aborted"].includes(release.state)) {
        assert.fail(`${id} is ${release.state}: ${release.reason}`);
      }
      return release.state === state && release;
    });
  const release = async (letter: string, ticket: string, more: object = {}) => {
    const made = await ann.call(createRelease, {
      ticket,
      body: {
        subsystem: "1001",
        environment: "production",
        template: 1,
        imageDigest: digest(letter),
        rollbackTo: "previous",
        verification: "the counters of the day are right",
        gates: { soakSeconds: 0, readyTimeoutSeconds: 60 },
        ...more,
      },
    });
    return made.body;
  };
  const run = async (letter: string, ticket: string, more: object = {}) => {
    const made = await release(letter, ticket, more);
    await bob.call(approveRelease, { params: { id: made.id }, body: { planHash: made.planHash } });
    await ann.call(startRelease, { params: { id: made.id }, body: {} });
    return made.id;
  };
  const podUids = async () =>
    new Map(
      (await kube.list(pods, { namespace: "wcs-retail" })).items.map(({ metadata }) => [metadata.name, metadata.uid]),
    );

  it("takes a template, and tells what is wrong with another", async () => {
    const spec = { image: "registry.bank.example/retail/query", user: { uid: 1000, gid: 1000 } };
    const made = await ann.call(createTemplate, { body: { subsystem: "1001", spec } });
    assert.deepEqual([made.status, made.body.version], [201, 1]);
    assert.equal((await ann.call(createTemplate, { body: { subsystem: "1001", spec } })).status, 200);
    const second = await ann.call(createTemplate, {
      body: { subsystem: "1001", spec: { ...spec, environment: { A: "1" } } },
    });
    assert.equal(second.body.version, 2);
    const diff = await ann.call(diffTemplate, { params: { subsystem: "1001", version: 2 }, query: { from: 1 } });
    assert.deepEqual(diff.body.differences, [{ path: "environment", to: { A: "1" } }]);
    const bad = { ...spec, environment: { TZ: "UTC" } };
    assert.match(
      await problem(ann.call(createTemplate, { body: { subsystem: "1001", spec: bad } })),
      /^template.invalid/,
    );
  });

  it("delivers what another person has approved, once", async () => {
    assert.match(await problem(ann.call(createRequest, { body })), /^act.ticket-required/);
    const dry = await ann.call(createRequest, { body, ticket, query: { dryRun: true } });
    assert.equal(dry.body.plan.places.length, 6);
    const request = (await ann.call(createRequest, { body, ticket })).body;
    const approval = { params: { id: request.id }, body: { planHash: request.planHash } };
    assert.match(await problem(ann.call(approveRequest, approval)), /^approval.refused: .*another person/);
    const wrong = { ...approval, body: { planHash: digest("0") } };
    assert.match(await problem(bob.call(approveRequest, wrong)), /^approval.refused: .*changed/);
    const approved = (await bob.call(approveRequest, approval)).body;
    assert.equal(approved.state, "delivered");
    assert.deepEqual(
      approved.instances,
      [1, 2, 3].flatMap((n) => [`1001-1c1-0${n}`]).concat([1, 2, 3].map((n) => `1001-1c2-0${n}`)),
    );
    assert.match(await problem(bob.call(approveRequest, approval)), /^approval.refused: .*delivered/);
    assert.match(await problem(ann.call(createRequest, { body, ticket: "CHG-2" })), /^request.impossible/);
  });

  it("brings a first release to all of them, with a canary and a second person at the pause", async () => {
    assert.match(
      await problem(release("a", "CHG-10", { verification: undefined })),
      /^(release.invalid|request.invalid)/,
    );
    const id = await run("a", "CHG-10");
    const paused = await releaseIs(id, "paused");
    assert.equal(paused.passed, 1);
    assert.equal((await podUids()).size, 1);
    assert.match(
      await problem(ann.call(continueRelease, { params: { id }, body: {} })),
      /^approval.refused: .*second person/,
    );
    await bob.call(continueRelease, { params: { id }, body: {} });
    const done = await releaseIs(id, "done");
    assert.equal(done.passed, 6);
    assert.equal((await podUids()).size, 6);
    assert.equal((await release("a", "CHG-10")).id, id, "a ticket brings one release");
    assert.match(await problem(release("b", "CHG-10")), /^resource.exists/);
  });

  it("changes an image in place, in the same pods", async () => {
    const before = await podUids();
    const id = await run("b", "CHG-11", { strategy: { canary: null, pauseAfter: "none" } });
    const done = await releaseIs(id, "done");
    assert.deepEqual([...new Set(done.targets.map(({ effect }) => effect))], ["in-place"]);
    assert.deepEqual(await podUids(), before);
    const instances = (await ann.call(listInstances, {})).body.items;
    assert.deepEqual([...new Set(instances.map(({ imageDigest }) => imageDigest))], [digest("b")]);
  });

  it("stops at a failed batch, says why, touches no other, and is taken back", async () => {
    kubelets.missing.add(digest("c"));
    const id = await run("c", "CHG-12", { strategy: { canary: { instances: 1 }, pauseAfter: "none" } });
    const failed = await releaseIs(id, "failed");
    const [first, ...others] = failed.targets.toSorted((a, b) => a.batch - b.batch);
    assert.match(first?.failure?.summary ?? "", /ErrImagePull/);
    assert.ok(others.every(({ changedAt }) => changedAt === null));
    assert.match(await problem(run("d", "CHG-13")), /^instance.busy/);
    await ann.call(rollBackRelease, { params: { id }, body: {} });
    await until("the roll-back", async () => (await releaseOf(id)).state === "rolled-back");
    const [newest] = (await ann.call(listReleases, {})).body.items;
    assert.deepEqual([newest?.kind, newest?.takesBack, newest?.state], ["roll-back", id, "done"]);
    const instance = (await ann.call(getInstance, { params: { name: first?.instance ?? "" } })).body;
    assert.deepEqual([instance.state, instance.imageDigest], ["ready", digest("b")]);
  });

  it("begins nothing in a freeze, unless the glass is broken with a reason", async () => {
    const day = 86_400_000;
    const at = (ms: number) => new Date(Date.now() + ms).toISOString().slice(0, 19);
    const when = { from: at(-day), to: at(day) };
    const window = {
      name: "year-end",
      environments: ["production"],
      timeZone: "UTC",
      when,
      reason: "closing of the year",
    };
    await server.admin.call(createWindow, { body: window });
    const frozen = await release("b", "CHG-30", { instances: ["1001-1c1-01"], template: 2 });
    await bob.call(approveRelease, { params: { id: frozen.id }, body: { planHash: frozen.planHash } });
    const start = { params: { id: frozen.id }, body: {} };
    assert.match(await problem(ann.call(startRelease, start)), /^release.frozen: year-end holds until/);
    assert.match(
      await problem(ann.call(startRelease, { ...start, body: { breakGlass: "now" } })),
      /at least 10 characters/,
    );
    await ann.call(startRelease, { ...start, body: { breakGlass: "customers cannot log in" } });
    const done = await releaseIs(frozen.id, "done");
    assert.deepEqual([done.breakGlass, done.targets[0]?.effect], ["customers cannot log in", "re-create"]);
    await server.admin.call(deleteWindow, { params: { name: "year-end" } });
  });

  it("puts right what was deleted or changed by hand", async () => {
    const name = "1001-1c2-01";
    const target = { namespace: "wcs-retail", name: `${name}-0` };
    const before = await kube.get(statefulSets, { namespace: "wcs-retail", name });
    const uid = (await kube.get(pods, target)).metadata.uid;
    await kube.delete(statefulSets, { namespace: "wcs-retail", name, propagation: "Orphan" });
    await until("another StatefulSet in its place", async () => {
      const now = await kube.find(statefulSets, { namespace: "wcs-retail", name });
      return now !== null && now.metadata.uid !== before.metadata.uid;
    });
    await kube.patch(statefulSets, { namespace: "wcs-retail", name, kind: "merge", patch: { spec: { replicas: 0 } } });
    await until("its count to be one again", async () => {
      const now = await kube.get(statefulSets, { namespace: "wcs-retail", name });
      return (now.spec as { replicas: number }).replicas === 1;
    });
    assert.equal(typeof uid, "string");
  });

  it("shows instances of a silent host as lost within a minute, and as ready when it is back, with the same pods", async () => {
    const [instance] = (await ann.call(listInstances, { query: { dcn: "1C2" } })).body.items;
    assert.ok(instance);
    const stateOf = async () => (await ann.call(getInstance, { params: { name: instance.name } })).body;
    await until("it to be ready", async () => (await stateOf()).state === "ready");
    const before = await until("its pod", async () => (await podUids()).get(`${instance.name}-0`) ?? false);
    kubelets.silent.add(instance.host);
    const silentMs = Date.now();
    const lost = await until("it to be lost", async () => {
      const now = await stateOf();
      return now.state === "lost" && now;
    });
    const tookMs = Date.now() - silentMs;
    assert.match(lost.reason, /Kubelet stopped posting node status/);
    assert.ok(tookMs < 60_000, `it took ${tookMs} ms`);
    kubelets.silent.delete(instance.host);
    await until("it to be ready again", async () => (await stateOf()).state === "ready");
    assert.equal((await podUids()).get(`${instance.name}-0`), before);
  });

  it("lets a release wait for a cluster that is away, and do nothing twice when it is back", async () => {
    const id = await run("f", "CHG-31", { strategy: { canary: null, batch: { instances: 1 }, pauseAfter: "none" } });
    await until("a first pass", async () => (await releaseOf(id)).passed > 0);
    relay.cut();
    await until("it to wait", async () => (await releaseOf(id)).state === "waiting");
    assert.match((await releaseOf(id)).reason, /a cluster that does not answer/);
    const before = await releaseOf(id);
    relay.pass();
    const done = await releaseIs(id, "done");
    assert.equal(done.passed, 6);
    assert.ok(
      before.targets
        .filter(({ passedAt }) => passedAt !== null)
        .every(({ instance, passedAt }) =>
          done.targets.some((target) => target.instance === instance && target.passedAt === passedAt),
        ),
    );
  });

  it("goes on exactly once after the server was killed in the middle", async () => {
    const strategy = { canary: null, batch: { instances: 2 }, pauseAfter: "none" };
    const id = await run("e", "CHG-14", { strategy });
    await until("a first pass", async () => (await releaseOf(id)).passed > 0);
    const { token } = server;
    await server.stop();
    server = await startTestServer(database, { token, stateDirectory });
    [ann, bob] = [await clientOf("ann"), await clientOf("bob")];
    const done = await releaseIs(id, "done");
    assert.equal(done.passed, 6);
  });

  it("starts, stops and restarts an instance, which keeps its place", async () => {
    const name = "1001-1c1-01";
    const before = (await podUids()).get(`${name}-0`);
    const state = (wanted: string) =>
      until(
        `${name} to be ${wanted}`,
        async () => (await ann.call(getInstance, { params: { name } })).body.state === wanted,
      );
    await ann.call(restartInstance, { params: { name }, ticket });
    await until("another pod", async () => {
      const uid = (await podUids()).get(`${name}-0`);
      return uid !== undefined && uid !== before;
    });
    await state("ready");
    await ann.call(stopInstance, { params: { name }, ticket });
    await state("stopped");
    assert.equal((await podUids()).has(`${name}-0`), false);
    const nics = (await ann.call(getInstance, { params: { name } })).body.nics;
    const id = await run("9", "CHG-40", { instances: [name], strategy: { canary: null, pauseAfter: "none" } });
    await releaseIs(id, "done");
    assert.equal((await podUids()).has(`${name}-0`), false, "a release does not start what stands still");
    await ann.call(startInstance, { params: { name }, ticket });
    await state("ready");
    const pod = await kube.get(pods, { namespace: "wcs-retail", name: `${name}-0` });
    assert.ok(String(pod.spec?.containers?.[0]?.image).endsWith(digest("9")), "its start brings the version");
    assert.deepEqual((await ann.call(getInstance, { params: { name } })).body.nics, nics);
  });

  it("tells how what runs differs from a version, what was changed by hand included", async () => {
    const name = "1001-1c1-01";
    const diff = async (template?: number) =>
      (await ann.call(diffInstance, { params: { name }, query: template === undefined ? {} : { template } })).body;
    assert.deepEqual((await diff()).differences, []);
    const other = (await diff(2)).running === 2 ? 1 : 2;
    const { differences } = await diff(other);
    assert.deepEqual(
      differences.map(({ object, effect }) => [object, effect]),
      [["Pod", "re-create"]],
    );
    assert.match(differences[0]?.path ?? "", /containers\[app\]\.env/);
    assert.match(await problem(diff(77)), /^resource.not-found/);
  });

  it("plans a release again when its instances have changed until it is approved", async () => {
    const strategy = { canary: null, batch: { instances: 2 }, pauseAfter: "none" };
    const late = await release("7", "CHG-41", { dcns: ["1C2"], strategy });
    const between = await run("8", "CHG-42", { instances: ["1001-1c2-01"], strategy });
    await releaseIs(between, "done");
    const approval = { params: { id: late.id }, body: { planHash: late.planHash } };
    const again = (await bob.call(approveRelease, approval)).body;
    assert.equal(again.state, "awaiting-approval");
    assert.match(again.reason, /does not hold any more \(1001-1c2-01 has changed\)/);
    assert.notEqual(again.planHash, late.planHash);
    assert.match(await problem(bob.call(approveRelease, approval)), /^approval.refused/);
    await bob.call(approveRelease, { ...approval, body: { planHash: again.planHash } });
    await ann.call(startRelease, { params: { id: late.id }, body: {} });
    assert.equal((await releaseIs(late.id, "done")).passed, 3);
    assert.match(
      await problem(release("7", "CHG-43", { rollbackTo: "r-999" })),
      /^release.invalid: r-999 can't be gone back to/,
    );
  });

  it("never changes two DCNs of one group at once, by two releases either, unless that is said", async () => {
    const strategy = { canary: null, pauseAfter: "none" };
    const one = await run("6", "CHG-44", { dcns: ["1C1"], strategy, gates: { soakSeconds: 3 } });
    assert.match(
      await problem(run("6", "CHG-45", { dcns: ["1C2"], strategy })),
      /^instance.busy: .* two DCNs of group 1C/,
    );
    const both = { dcns: ["1C2"], strategy: { ...strategy, groupTogether: true } };
    await releaseIs(await run("6", "CHG-46", both), "done");
    await releaseIs(one, "done");
  });

  it("asks over HTTP again within its time, and says what was answered", async () => {
    // Nobody is there: simulated hosts run nothing.
    const gates = { soakSeconds: 0, http: { path: "/ready", port: 8080, timeoutSeconds: 2 } };
    const id = await run("5", "CHG-47", { instances: ["1001-1c2-01"], gates, strategy: { canary: null } });
    const failed = await releaseIs(id, "failed");
    assert.match(failed.targets[0]?.failure?.summary ?? "", /^HTTP check, for 2 s: http:\/\/10\.71\..*8080\/ready/);
    await ann.call(rollBackRelease, { params: { id }, body: {} });
    // Its gates are the release's, and so it fails as that did: people end it.
    const back = await until("the roll-back to fail", async () => {
      const [newest] = (await ann.call(listReleases, {})).body.items;
      return newest?.takesBack === id && newest.state === "failed" && newest;
    });
    await ann.call(abortRelease, { params: { id: back.id }, body: {} });
    const half = await releaseOf(id);
    assert.deepEqual([half.state, half.reason], ["aborted", `${back.id}, which took it back, was aborted`]);
  });

  const approved = async (request: Readonly<{ id: string; planHash: string }>) =>
    (await bob.call(approveRequest, { params: { id: request.id }, body: { planHash: request.planHash } })).body;
  const ready = (name: string) =>
    until(`${name} to be ready`, async () => {
      const { body: instance } = await ann.call(getInstance, { params: { name } });
      return instance.state === "ready" && instance.differences.length === 0 && instance;
    });

  it("resizes an instance in place, after approval, and says so before", async () => {
    const name = "1001-1c1-01";
    const resize = { subsystem: "1001", resize: [name], class: "4C8G" };
    const dry = (await ann.call(createRequest, { body: resize, ticket: "CHG-15", query: { dryRun: true } })).body;
    const [planned] = dry.plan.resizes;
    assert.deepEqual([planned?.effect, planned?.fromClass, planned?.toClass], ["in-place", "2C4G", "4C8G"]);
    assert.match(planned?.reasons.map(({ en }) => en).join() ?? "", /resized while it runs/);
    const uid = (await podUids()).get(`${name}-0`);
    const before = await ready(name);
    await approved((await ann.call(createRequest, { body: resize, ticket: "CHG-15" })).body);
    await until("its pod to have the class", async () => {
      const pod = await kube.get(pods, { namespace: "wcs-retail", name: `${name}-0` });
      const resources = pod.spec?.containers?.[0]?.["resources"];
      return resources?.limits?.cpu === "4";
    });
    assert.equal((await podUids()).get(`${name}-0`), uid, "the same pod");
    const after = await ready(name);
    assert.deepEqual([after.class, after.host, after.nics], ["4C8G", before.host, before.nics]);
    const again = { ticket: "CHG-16", query: { dryRun: true } };
    assert.match(await problem(ann.call(createRequest, { body: resize, ...again })), /has class 4C8G already/);
    const nobody = { ...resize, resize: ["1001-1c1-77"] };
    assert.match(await problem(ann.call(createRequest, { body: nobody, ...again })), /no instance 1001-1c1-77/);
    const both = { ...resize, retire: [name] };
    assert.match(await problem(ann.call(createRequest, { body: both, ...again })), /one of counts, retire and resize/);
  });

  it("makes an instance anew on another host of its rack when its own has no room for the class, with its address", async () => {
    const { items } = (await ann.call(listInstances, {})).body;
    const of = (host: string) => items.filter((item) => item.host === host);
    const [first, second] = ["idc1-h1", "idc1-h3"].map(of).find((there) => there.length === 2) ?? [];
    assert.ok(first && second, "a host of 16 cores with two instances");
    const resize = async (name: string, to: string, ticket: string) =>
      (await ann.call(createRequest, { body: { subsystem: "1001", resize: [name], class: to }, ticket })).body;
    await approved(await resize(first.name, "12C24G", "CHG-16"));
    const request = await resize(second.name, "8C16G", "CHG-17");
    const [planned] = request.plan.resizes;
    assert.deepEqual([planned?.effect, planned?.fromHost], ["re-create", second.host]);
    assert.match(planned?.reasons[0]?.en ?? "", /^it can't stay on host .*: not enough CPU free/);
    await approved(request);
    const uid = (await podUids()).get(`${second.name}-0`);
    await until("it to be there", async () => {
      const pod = await kube.find(pods, { namespace: "wcs-retail", name: `${second.name}-0` });
      return pod !== null && pod.metadata.uid !== uid && pod.spec?.nodeName === planned?.toHost;
    });
    const after = await ready(second.name);
    assert.deepEqual([after.host, after.nics, after.class], [planned?.toHost, second.nics, "8C16G"]);
  });

  it("names new instances by their environment's pattern, with the address in it", async () => {
    const pattern = (instanceNames: string) => ({
      kind: "Environment",
      name: "production",
      spec: { ticketRequired: true, approvals: 1, instanceNames },
    });
    const change = (text: string) =>
      server.admin.call(changeEstate, { ticket: "CHG-0", body: { documents: [pattern(text)] } });
    assert.match(await problem(change("{dcn}-{nn}")), /^estate.invalid/);
    await change(`{system}-${"x".repeat(40)}-{ip}`);
    const one = { ...body, counts: { "1C2": 4 } };
    const dryRun = { body: one, ticket: "CHG-18", query: { dryRun: true } };
    assert.match(
      await problem(ann.call(createRequest, dryRun)),
      /may have 52: change instanceNames of environment production/,
    );
    await change("{system}-{ip}");
    const { instances } = await approved((await ann.call(createRequest, { body: one, ticket: "CHG-18" })).body);
    const named = (await ann.call(getInstance, { params: { name: instances[0] ?? "" } })).body;
    assert.equal(named.name, `savings-${named.nics[0]?.ip.replaceAll(".", "-")}`);
    await change("{subsystem}-{dcn}-{nn}");
  });

  it("retires those that are named, and plans again what does not hold any more when it is approved", async () => {
    const named = (await ann.call(listInstances, { query: { dcn: "1C2" } })).body.items.find(({ name }) =>
      name.startsWith("savings-"),
    );
    assert.ok(named);
    const grow = (await ann.call(createRequest, { body: { ...body, counts: { "1C2": 5 } }, ticket: "CHG-22" })).body;
    const retire = { subsystem: "1001", retire: [named.name] };
    const going = (await ann.call(createRequest, { body: retire, ticket: "CHG-23" })).body;
    assert.deepEqual(going.plan.removals, [named.name]);
    await approved(going);
    await until("it to be retired", async () => {
      const { body: instance } = await ann.call(getInstance, { params: { name: named.name } });
      return instance.state === "retired";
    });
    const again = await approved(grow);
    assert.equal(again.state, "awaiting-approval");
    assert.match(again.reason, /does not hold any more/);
    assert.deepEqual([grow.plan.places.length, again.plan.places.length, again.approvals.length], [1, 2, 0]);
    assert.match(await problem(approved(grow)), /^approval.refused: the plan has changed/);
    const { instances } = await approved(again);
    assert.equal(instances.length, 2);
    await approved(
      (await ann.call(createRequest, { body: { subsystem: "1001", retire: instances }, ticket: "CHG-24" })).body,
    );
    await until(
      "them to be retired",
      async () => (await ann.call(listInstances, { query: { dcn: "1C2" } })).body.items.length === 3,
    );
    const gone = { body: retire, ticket: "CHG-25", query: { dryRun: true } };
    assert.match(await problem(ann.call(createRequest, gone)), /is retired .*leave it out/);
  });

  for (const [lang, said] of [
    [
      "C",
      {
        missing: "--subsystem is missing",
        count: "is not DCN=COUNT",
        ticket: "change ticket",
        waits: "waits for 1 approval",
        goes: "goes: ",
        digest: "/imageDigest",
      },
    ],
    [
      "zh_CN.UTF-8",
      {
        missing: "缺少 --subsystem",
        count: "应为 DCN=数量",
        ticket: "变更单",
        waits: "等待 1 人审批",
        goes: "下线 ",
        digest: "/imageDigest",
      },
    ],
  ] as const) {
    it(`is done, and refused with field, reason and way out, at the command line (${lang})`, async () => {
      const refused = async (person: string, line: string, code: number, ...parts: readonly (string | RegExp)[]) => {
        const answer = await wcs(person, line, lang);
        for (const part of parts) assert.ok(answer.stderr.match(part) !== null, `${line}: ${JSON.stringify(answer)}`);
        assert.equal(answer.code, code, `${line}: ${JSON.stringify(answer)}`);
      };
      const done = async (person: string, line: string, code: number, ...parts: readonly (string | RegExp)[]) => {
        const answer = await wcs(person, line, lang);
        const all = `${answer.stdout}${answer.stderr}`;
        for (const part of parts) assert.ok(all.match(part) !== null, `${line}: ${JSON.stringify(answer)}`);
        assert.equal(answer.code, code, `${line}: ${JSON.stringify(answer)}`);
      };
      const ask = "request instances --subsystem 1001 --class 2C4G";
      await refused("ann", "request instances --class 2C4G 1C2=4", 2, said.missing);
      await refused("ann", `${ask} 1C2=many`, 2, said.count);
      await refused("ann", `${ask} 1C2=4 --dry-run`, 1, said.ticket);
      await refused("ann", `${ask} 9Z9=4 --dry-run --ticket CHG-50`, 3, "9Z9");
      await refused("ann", `${ask} 1C2=99 --dry-run --ticket CHG-50`, 1, "1C2", "→|:");
      await refused("ann", "request resize 1001-1c2-01 --subsystem 1001 --ticket CHG-50", 2, "--class");
      await refused("ann", "request retirement nobody --subsystem 1001 --ticket CHG-50", 1, "/retire/0", "nobody");
      await done(
        "ann",
        "request resize 1001-1c2-01 --subsystem 1001 --class 4C8G --dry-run --ticket CHG-50",
        0,
        "in-place",
      );
      await done(
        "ann",
        "request retirement 1001-1c2-01 --subsystem 1001 --dry-run --ticket CHG-50",
        0,
        `${said.goes}1001-1c2-01`,
      );
      await done("ann", `${ask} 1C2=4 --yes --ticket CHG-51-${lang}`, 8, said.waits, "1C2");
      const [newest] = (await ann.call(listRequests, {})).body.items;
      assert.ok(newest);
      await refused("ann", `approve request ${newest.id} --yes`, 5, "another person");
      await refused(
        "bob",
        `approve request ${newest.id} --yes --plan-hash ${digest("0")}`,
        5,
        "changed since you saw it",
      );
      await done("ann", `reject request ${newest.id} --reason later`, 0, newest.id);

      const release = "release create --subsystem 1001 --environment production --template 1 --image-digest";
      await refused("ann", `${release} latest --ticket CHG-52`, 1, said.digest);
      await refused("ann", `${release} ${digest("a")} --http 80x --ticket CHG-52`, 2, "80x");
      await refused(
        "ann",
        `${release} ${digest("a")} --ticket CHG-52`,
        1,
        "/rollbackTo: name the release",
        "/verification: say how",
      );
      const whole = `${release} ${digest("a")} --rollback-to previous --verification by-hand --ticket CHG-52`;
      await done("ann", `${whole} --dry-run`, 8, "1001-1c2-01");
      await refused("ann", "release start r-999 --ticket CHG-52", 3, "r-999");
      await refused("ann", "stop instance nobody --yes --ticket CHG-52", 3, "nobody");
      await done("ann", "diff template 1001/1 1001/2", 1, "environment");
      await done("ann", "diff template 1001/2 1001-1c2-01", 1, "1001-1c2-01", "re-create");
      await refused("ann", "diff template 1001", 2, "1001");
    });
  }

  it("retires what a smaller number leaves over", async () => {
    const request = (await ann.call(createRequest, { ticket: "CHG-20", body: { ...body, counts: { "1C1": 1 } } })).body;
    assert.deepEqual(request.plan.removals, ["1001-1c1-02", "1001-1c1-03"]);
    await bob.call(approveRequest, { params: { id: request.id }, body: { planHash: request.planHash } });
    await until(
      "them to be retired",
      async () => (await ann.call(listInstances, { query: { dcn: "1C1" } })).body.items.length === 1,
    );
    assert.equal((await podUids()).has("1001-1c1-02-0"), false);
    const paused = await release("f", "CHG-21");
    await bob.call(approveRelease, { params: { id: paused.id }, body: { planHash: paused.planHash } });
    await ann.call(startRelease, { params: { id: paused.id }, body: {} });
    await ann.call(pauseRelease, { params: { id: paused.id }, body: {} });
    assert.equal((await ann.call(abortRelease, { params: { id: paused.id }, body: {} })).body.state, "aborted");
  });
});
