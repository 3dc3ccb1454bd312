import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { ProblemError } from "@wcs/api";
import { clusterOperations } from "@wcs/api/cluster";
import { changeEstate } from "@wcs/api/estate";
import { userNameOf } from "@wcs/core/cluster";
import { createKubeClient, formatKubeconfig, pods, resourceType, namespaces, type KubeClient } from "@wcs/kube";
import { startControlPlane, startRelay, type ControlPlane } from "@wcs/kube/testing";
import {
  startTestPostgres,
  startTestServer,
  type TestDatabase,
  type TestPostgres,
  type TestServer,
} from "../testing/index.ts";

const [list, get, create, repair, remove] = clusterOperations;
const rbac = "rbac.authorization.k8s.io/v1";
const clusterRoles = resourceType(`${rbac}/clusterroles`, "ClusterRole", "cluster");
const clusterRoleBindings = resourceType(`${rbac}/clusterrolebindings`, "ClusterRoleBinding", "cluster");
const policies = resourceType(
  "admissionregistration.k8s.io/v1/validatingadmissionpolicies",
  "ValidatingAdmissionPolicy",
  "cluster",
);

const ground: readonly object[] = [
  { kind: "City", name: "shenzhen", spec: {} },
  { kind: "IDC", name: "idc1", spec: { city: "shenzhen" } },
  { kind: "Area", name: "core", spec: { external: false } },
  { kind: "Rack", name: "r1", spec: { idc: "idc1" } },
  {
    kind: "Subnet",
    name: "r1-core",
    spec: { rack: "r1", area: "core", cidr: "10.9.1.0/24", gateway: "10.9.1.254", fixed: "10.9.1.100-10.9.1.199" },
  },
  { kind: "Environment", name: "sit", spec: { ticketRequired: false, approvals: 0 } },
  { kind: "Business", name: "retail", spec: {} },
];
const amount = (cpuMilli: number, memoryMiB: number) => ({ cpuMilli, memoryMiB });
const pool = (name: string, quotas: object) => ({ kind: "Pool", name, spec: { environment: "sit", quotas } });
const host = (name: string, address: string, inPool: string) => ({
  kind: "Host",
  name,
  spec: {
    rack: "r1",
    addresses: { core: address },
    capacity: { cpuMilli: 16_000, memoryMiB: 65_536 },
    cluster: "c1",
    pool: inPool,
  },
});

async function until(what: string, check: () => Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  const endMs = Date.now() + timeoutMs;
  while (!(await check())) {
    assert.ok(Date.now() < endMs, `not within ${timeoutMs} ms: ${what}`);
    await sleep(100);
  }
}

async function problem(promise: Promise<unknown>): Promise<ProblemError["problem"]> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof ProblemError, String(error));
    return error.problem;
  }
  return assert.fail("it was taken");
}

describe("clusters", () => {
  let postgres: TestPostgres;
  let plane: ControlPlane;
  let kube: KubeClient;
  let database: TestDatabase;
  let server: TestServer;

  before(async () => {
    [postgres, plane] = await Promise.all([startTestPostgres(), startControlPlane()]);
    await plane.startControllerManager();
    kube = createKubeClient({ access: plane.access, userAgent: "test" });
  });
  after(async () => {
    kube.close();
    await plane.stop();
    await postgres.stop();
  });
  beforeEach(async () => {
    database = await postgres.createDatabase();
    server = await startTestServer(database, { env: { WCS_BASELINE_MS: "1000" } });
    await applyEstate(
      ["c1", "c2"].map((name) => ({ kind: "Cluster", name, spec: { idc: "idc1", environment: "sit" } })),
    );
  });
  afterEach(async () => {
    await server.stop();
    await database.drop();
  });

  const applyEstate = async (
    documents: readonly object[],
    deletions: readonly { kind: "Host" | "Cluster"; name: string }[] = [],
  ) =>
    server.admin.call(changeEstate, {
      query: {},
      body: { documents: [...ground, ...documents], deletions: [...deletions] },
      idempotencyKey: `${Math.random()}`,
    });
  const add = async (name: string, kubeconfig = plane.kubeconfig, options: { dryRun?: boolean } = {}) =>
    (
      await server.admin.call(create, {
        query: options,
        body: { name, kubeconfig },
        idempotencyKey: `${name}-${Math.random()}`,
      })
    ).body;
  const show = async (name: string) => (await server.admin.call(get, { params: { name } })).body;
  const removeAndWait = async (name: string) => {
    await server.admin.call(remove, { params: { name }, query: {}, idempotencyKey: `${Math.random()}` });
    await until(
      "the connection is gone",
      async () => (await server.admin.call(list, { query: {} })).body.items.length === 0,
    );
  };

  it("are registered, seen, kept and removed", async () => {
    const made = await add("c1");
    assert.equal(made.state, "active");
    assert.match(made.kubernetesVersion, /^v1\./);
    await until("this server sees the cluster", async () => {
      const { health, caches, baseline } = await show("c1");
      return health.ready === true && caches.every(({ stale }) => !stale) && baseline.checkedAt !== null;
    });
    const seen = await show("c1");
    assert.deepEqual(seen.baseline.drifts, [], "what was just installed has not drifted");
    assert.equal(seen.baseline.trouble, null);
    assert.equal(seen.health.components.find(({ name }) => name === "etcd")?.ok, true);
    assert.ok(Math.abs(seen.health.clockSkewMs ?? Infinity) < 2_000);

    const secrets = await database.server.query<{ name: string; ciphertext: Buffer }>(
      "SELECT name, ciphertext FROM secrets",
    );
    assert.deepEqual(secrets.map(({ name }) => name).sort(), ["cluster/c1/keeper", "cluster/c1/platform"]);
    for (const { ciphertext } of secrets) assert.doesNotMatch(ciphertext.toString("latin1"), /token|eyJ/);
    const everything =
      JSON.stringify(await database.server.query("SELECT entry FROM audit_entries")) +
      JSON.stringify(await database.server.query("SELECT record FROM events"));
    assert.doesNotMatch(everything, /eyJ|client-key|PRIVATE/, "no credential in audit or events");

    const metrics = await (
      await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${server.token}` } })
    ).text();
    assert.match(metrics, /wcs_cluster_reachable\{cluster="c1"\} 1/);
    assert.match(metrics, /wcs_cluster_cache_lag_seconds\{cluster="c1",cache="nodes"\}/);

    await removeAndWait("c1");
    assert.equal(await kube.find(policies, { name: "wcs-pod-safety" }), null);
    assert.equal(await kube.find(clusterRoles, { name: "wcs:keeper" }), null);
    await until(
      "the garbage collector took the keeper's binding",
      async () => (await kube.find(clusterRoleBindings, { name: "wcs:keeper" })) === null,
    );
    await until("WCS's namespace is gone", async () => (await kube.find(namespaces, { name: "wcs" })) === null, 30_000);
    assert.equal((await database.server.query("SELECT name FROM secrets")).length, 0);
  });

  it("have their drift shown and mended, whatever was done to it", async () => {
    await add("c1");
    await kube.delete(policies, { name: "wcs-side-doors" });
    await kube.delete(clusterRoles, { name: "wcs:platform" });
    await kube.patch(clusterRoles, {
      name: "wcs:namespace",
      kind: "json",
      patch: [{ op: "add", path: "/rules/-", value: { apiGroups: [""], resources: ["secrets"], verbs: ["get"] } }],
    });
    await kube.patch(policies, {
      name: "wcs-pod-safety",
      kind: "merge",
      patch: { spec: { matchConditions: [{ name: "never", expression: "false" }] } },
    });
    await kube.delete(clusterRoleBindings, { name: "wcs:platform" });
    await kube.create(clusterRoleBindings, {
      metadata: { name: "wcs:platform" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
      subjects: [],
    });
    const drifted = [
      "ClusterRole wcs:namespace",
      "ClusterRole wcs:platform",
      "ClusterRoleBinding wcs:platform",
      "ValidatingAdmissionPolicy wcs-pod-safety",
      "ValidatingAdmissionPolicy wcs-side-doors",
    ];
    await until("all drift is told", async () => {
      const told = new Set((await show("c1")).baseline.drifts.map(({ object }) => object));
      return drifted.every((object) => told.has(object));
    });
    const { drifts } = (await show("c1")).baseline;
    const binding = drifts.find(({ object }) => object === "ClusterRoleBinding wcs:platform");
    assert.ok(
      binding?.differences.some(
        ({ path, was, shouldBe }) => path === "roleRef.name" && was === "view" && shouldBe === "wcs:platform",
      ),
    );
    const policy = await kube.get(policies, { name: "wcs-pod-safety" });
    assert.doesNotMatch(JSON.stringify(policy), /"never"/);
    const role = await kube.get(clusterRoles, { name: "wcs:namespace" });
    assert.doesNotMatch(JSON.stringify(role), /"secrets"/);
    const audited = await database.server.query<{ entry: string }>(
      "SELECT entry FROM audit_entries WHERE actor = 'cluster-baseline' AND name = 'c1'",
    );
    assert.ok(audited.length > 0, "mending is audited");
    await until("it is quiet again", async () => {
      const before = (await show("c1")).baseline;
      await sleep(2_500);
      const after = (await show("c1")).baseline;
      return after.drifts.length === before.drifts.length && after.checkedAt !== before.checkedAt;
    });
    await removeAndWait("c1");
  });

  it("renew credentials that were taken, and tell when only an administrator can", async () => {
    await add("c1");
    const accounts = resourceType("v1/serviceaccounts", "ServiceAccount", "namespaced");
    await until("the cluster is seen", async () => (await show("c1")).health.ready === true);
    const { credentialExpiresAt, version } = await show("c1");
    await kube.delete(accounts, { namespace: "wcs", name: "platform" });
    await until("the account is made anew, with a new credential", async () => (await show("c1")).version > version);
    assert.ok((await show("c1")).credentialExpiresAt >= credentialExpiresAt);
    await until(
      "the caches go on with it",
      async () => {
        const { caches, health } = await show("c1");
        return health.ready === true && caches.every(({ stale, trouble }) => !stale && trouble === null);
      },
      60_000,
    );

    await kube.delete(clusterRoleBindings, { name: "wcs:keeper" });
    await until(
      "it is told that the keeper lost its rights",
      async () => (await show("c1")).baseline.trouble?.reason === "forbidden",
    );
    await server.admin.call(repair, {
      params: { name: "c1" },
      query: {},
      body: { kubeconfig: plane.kubeconfig },
      idempotencyKey: "repair-rights",
    });
    await until("it is repaired", async () => (await show("c1")).baseline.trouble === null, 60_000);
    await removeAndWait("c1");
  });

  it("hold a namespace with its quota for each business of the estate, as the estate changes", async () => {
    const quotas = resourceType("v1/resourcequotas", "ResourceQuota", "namespaced");
    const hard = async () => {
      const quota = await kube.find(quotas, { namespace: "wcs-retail", name: "wcs" });
      return (quota as { spec?: { hard?: Record<string, string> } } | null)?.spec?.hard;
    };
    const share = (cpuMilli: number) => ({ retail: { guarantee: amount(0, 0), limit: amount(cpuMilli, 2_048) } });
    const hosts = [host("h1", "10.9.1.1", "p1"), host("h2", "10.9.1.2", "p2")];
    await applyEstate([
      { kind: "Cluster", name: "c1", spec: { idc: "idc1", environment: "sit" } },
      pool("p1", share(4_000)),
      pool("p2", share(500)),
      ...hosts,
    ]);
    await add("c1");
    assert.deepEqual([(await hard())?.["limits.cpu"], (await hard())?.["requests.memory"]], ["4500m", "4Gi"]);
    const namespace = await kube.get(namespaces, { name: "wcs-retail" });
    assert.equal(namespace.metadata.labels?.["pod-security.kubernetes.io/enforce"], "restricted");
    assert.equal(namespace.metadata.labels?.["wcs.io/business"], "retail");
    assert.deepEqual((await show("c1")).baseline.drifts, []);

    await applyEstate([pool("p1", share(8_000))]);
    await until("the quota follows the estate", async () => (await hard())?.["limits.cpu"] === "8500m");
    await kube.patch(quotas, {
      namespace: "wcs-retail",
      name: "wcs",
      kind: "merge",
      patch: { spec: { hard: { "limits.cpu": "99" } } },
    });
    await until("a changed quota is mended", async () => (await hard())?.["limits.cpu"] === "8500m");
    await applyEstate([pool("p1", {}), pool("p2", {})]);
    await until("a former business has a quota of nothing", async () => (await hard())?.["limits.cpu"] === "0");

    await assert.rejects(
      applyEstate(
        [],
        [
          { kind: "Cluster", name: "c2" },
          { kind: "Cluster", name: "c1" },
        ],
      ),
      ProblemError,
    );
    const accounts = resourceType("v1/serviceaccounts", "ServiceAccount", "namespaced");
    await until(
      "its default account is there",
      async () => (await kube.find(accounts, { namespace: "wcs-retail", name: "default" })) !== null,
    );
    const restricted = {
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: "RuntimeDefault" } },
      containers: [
        {
          name: "c",
          image: "i",
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
          resources: { limits: { cpu: "1", memory: "1Mi" } },
        },
      ],
    };
    const inRetail = { namespace: "wcs-retail" };
    await assert.rejects(kube.create(pods, { metadata: { name: "a" }, spec: restricted }, inRetail), /exceeded quota/);
    await applyEstate([pool("p1", share(8_000))]);
    await until("it has its quota again", async () => (await hard())?.["limits.cpu"] === "8");
    await kube.create(pods, { metadata: { name: "a" }, spec: restricted }, inRetail);
    const blocked = await problem(
      server.admin.call(remove, { params: { name: "c1" }, query: {}, idempotencyKey: "b" }),
    );
    assert.equal(blocked.code, "resource.referenced");
    assert.deepEqual(
      blocked.errors?.map(({ name }) => name),
      ["wcs-retail/a"],
    );
    await kube.delete(pods, { ...inRetail, name: "a", gracePeriodSeconds: 0 });
    await removeAndWait("c1");
    await until(
      "its namespace is gone",
      async () => (await kube.find(namespaces, { name: "wcs-retail" })) === null,
      30_000,
    );
  });

  it("must be in the estate, and take a ticket where their environment asks for one", async () => {
    const refusal = await problem(add("nowhere"));
    assert.equal(refusal.code, "resource.not-found");
    assert.match(refusal.detail ?? "", /apply a Cluster document first/);
    await applyEstate([{ kind: "Environment", name: "production", spec: { ticketRequired: true, approvals: 1 } }]);
    const ticket = "CHG-1";
    const bound = { kind: "Cluster", name: "bound", spec: { idc: "idc1", environment: "production" } };
    await server.admin.call(changeEstate, { query: {}, body: { documents: [bound] }, idempotencyKey: "bound", ticket });
    assert.equal((await problem(add("bound"))).code, "act.ticket-required");
  });

  it("give WCS no more than it needs: its identity can't read secrets, exec elsewhere, or act in kube-system", async () => {
    await add("c1");
    const platform = await plane.accessFor(userNameOf("platform"));
    const client = createKubeClient({ access: platform, userAgent: "test" });
    const keeper = createKubeClient({ access: await plane.accessFor(userNameOf("keeper")), userAgent: "test" });
    try {
      const secrets = resourceType("v1/secrets", "Secret", "namespaced");
      await assert.rejects(client.list(secrets, {}), { reason: "forbidden" });
      await assert.rejects(client.delete(pods, { namespace: "kube-system", name: "x" }), { reason: "forbidden" });
      await assert.rejects(client.text("/api/v1/namespaces/kube-system/pods/x/exec?command=id"), {
        reason: "forbidden",
      });
      await assert.rejects(client.create(clusterRoles, { metadata: { name: "mine" }, rules: [] }), {
        reason: "forbidden",
      });
      await client.list(pods, {});
      await assert.rejects(keeper.list(secrets, {}), { reason: "forbidden" });
      await assert.rejects(
        keeper.delete(namespaces, { name: "default", dryRun: true }),
        /labelled wcs.io\/business only|forbidden/,
      );
      await assert.rejects(
        keeper.create(clusterRoles, {
          metadata: { name: "mine" },
          rules: [{ apiGroups: [""], resources: ["secrets"], verbs: ["get"] }],
        }),
        { reason: "forbidden" },
      );
    } finally {
      client.close();
      keeper.close();
    }
    await removeAndWait("c1");
  });

  it("are not registered by halves: every fault is a clear refusal and leaves nothing", async () => {
    const kubeconfig = (change: Partial<ControlPlane["access"]>) => formatKubeconfig({ ...plane.access, ...change });
    const relay = await startRelay(1);
    relay.hold();
    const other = await startControlPlane();
    const nobody = await plane.accessFor("nobody");
    const late = await plane.accessFor("late", { days: -1 });
    try {
      const faults: readonly (readonly [string, string, RegExp])[] = [
        ["{}", "cluster.kubeconfig-invalid", /current-context/],
        [kubeconfig({ server: "https://127.0.0.1:1" }), "cluster.unreachable", /nothing listens there/],
        [kubeconfig({ server: `https://127.0.0.1:${relay.port}` }), "cluster.unreachable", /did not answer within/],
        [kubeconfig({ caPem: other.authority.certificatePem }), "cluster.unreachable", /not signed by the given CA/],
        [kubeconfig({ credential: late.credential }), "cluster.not-allowed", /expired at/],
        [kubeconfig({ credential: nobody.credential }), "cluster.not-allowed", /may not do/],
      ];
      for (const [text, code, message] of faults) {
        const refusal = await problem(add("c1", text));
        assert.equal(refusal.code, code, JSON.stringify(refusal));
        assert.match(refusal.detail ?? "", message);
      }
      const rights = await problem(add("c1", kubeconfig({ credential: nobody.credential })));
      assert.ok((rights.errors?.length ?? 0) > 10, "every missing right is named");
      await add("c1", plane.kubeconfig, { dryRun: true });
      assert.equal((await server.admin.call(list, { query: {} })).body.items.length, 0);
      for (const table of ["cluster_connections", "secrets"]) {
        assert.equal((await database.server.query(`SELECT name FROM ${table}`)).length, 0, table);
      }
      assert.equal(await kube.find(policies, { name: "wcs-pod-safety" }), null, "nor in the cluster");

      await add("c1");
      assert.equal((await problem(add("c1"))).code, "resource.exists");
      const twice = await problem(add("c2"));
      assert.equal(twice.code, "resource.exists");
      assert.match(twice.detail ?? "", /registered as c1/);
      await removeAndWait("c1");
    } finally {
      await relay.close();
      await other.stop();
    }
  });

  it("that are away block neither the API nor each other, and can be repaired or forgotten", async () => {
    const other = await startControlPlane();
    const relay = await startRelay(Number(new URL(other.server).port));
    try {
      await add("c1");
      await add("c2", formatKubeconfig({ ...other.access, server: `https://127.0.0.1:${relay.port}` }));
      await until(
        "both are seen",
        async () => (await show("c1")).health.ready === true && (await show("c2")).health.ready === true,
      );
      await other.pauseApiserver();
      await until("c2 is told to be away", async () => (await show("c2")).health.reachable === false, 30_000);
      const { health, caches } = await show("c2");
      assert.ok(["timed-out", "unreachable"].includes(health.trouble?.reason ?? ""));
      assert.ok((health.trouble?.advice ?? "") !== "");
      assert.ok(caches.length > 0);
      for (let calls = 0; calls < 20; calls += 1) {
        const startedMs = performance.now();
        await server.admin.call(list, { query: {} });
        assert.ok(performance.now() - startedMs < 500, "the API waits for nobody");
      }
      await kube.delete(policies, { name: "wcs-side-doors" });
      await until("c1 is still kept", async () => (await kube.find(policies, { name: "wcs-side-doors" })) !== null);
      assert.equal((await show("c1")).health.ready, true);
      const blocked = await problem(
        server.admin.call(remove, { params: { name: "c2" }, query: {}, idempotencyKey: "blocked" }),
      );
      assert.equal(blocked.code, "cluster.unreachable");
      await other.resumeApiserver();
      await until("c2 is back", async () => (await show("c2")).health.ready === true, 30_000);

      relay.cut();
      const moved = { kubeconfig: other.kubeconfig };
      await server.admin.call(repair, { params: { name: "c2" }, query: {}, body: moved, idempotencyKey: "repair" });
      await until("c2 is seen at its new address", async () => {
        const seen = await show("c2");
        return seen.server === other.server && seen.health.ready === true;
      });
      await other.killApiserver();
      await server.admin.call(remove, { params: { name: "c2" }, query: { force: true }, idempotencyKey: "force" });
      assert.deepEqual(
        (await server.admin.call(list, { query: {} })).body.items.map(({ name }) => name),
        ["c1"],
      );
      await removeAndWait("c1");
    } finally {
      await relay.close();
      await other.stop();
    }
  });
});
