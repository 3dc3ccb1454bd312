import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, describe, it } from "node:test";
import { clusterOperations } from "@wcs/api/cluster";
import { changeEstate } from "@wcs/api/estate";
import {
  createKubeClient,
  execInPod,
  isKubeError,
  nodes,
  parseKubeconfig,
  podLogs,
  pods,
  type KubeClient,
} from "@wcs/kube";
import { down, estateOf, fault, heal, kubeconfigFile, up, type LabState } from "@wcs/lab";
import {
  startTestPostgres,
  startTestServer,
  type TestDatabase,
  type TestPostgres,
  type TestServer,
} from "@wcs/server/testing";

const [, get, create, , remove] = clusterOperations;
const image = "registry.lab.wcs/demo:1";

async function until(what: string, check: () => Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  const endMs = Date.now() + timeoutMs;
  while (!(await check())) {
    assert.ok(Date.now() < endMs, `not within ${timeoutMs} ms: ${what}`);
    await sleep(250);
  }
}

describe("the clusters of the lab", () => {
  let lab: LabState;
  let postgres: TestPostgres;
  let database: TestDatabase;
  let server: TestServer;
  const admins = new Map<string, KubeClient>();
  let clusters: readonly { name: string }[] = [];

  before(async () => {
    lab = await up("two-idc");
    clusters = lab.topology.clusters;
    for (const { name } of clusters) {
      const access = parseKubeconfig(kubeconfig(name), { readFile: (path) => readFileSync(path, "utf8") });
      admins.set(name, createKubeClient({ access, userAgent: "test" }));
    }
    postgres = await startTestPostgres();
    database = await postgres.createDatabase();
    server = await startTestServer(database, { env: { WCS_BASELINE_MS: "2000" } });
    await server.admin.call(changeEstate, { body: { documents: estateOf(lab.topology) }, ticket: "CHG-1" });
  });
  after(async () => {
    for (const client of admins.values()) client.close();
    await server?.stop();
    await postgres?.stop();
    await down();
  });
  const kubeconfig = (name: string) => readFileSync(kubeconfigFile(name), "utf8");
  const admin = (name: string): KubeClient => admins.get(name) ?? assert.fail(`no cluster ${name}`);
  const show = async (name: string) => (await server.admin.call(get, { params: { name } })).body;

  it("run a pod whose log, exit codes and errors are read through the API server", async () => {
    const [first] = clusters;
    assert.ok(first !== undefined);
    const client = admin(first.name);
    const where = { namespace: "default", pod: "e2e-exec" };
    await client.create(
      pods,
      { metadata: { name: where.pod }, spec: { containers: [{ name: "app", image }] } },
      { namespace: where.namespace },
    );
    await until("the pod runs", async () => {
      const pod = await client.get(pods, { namespace: where.namespace, name: where.pod });
      return pod.status?.containerStatuses?.[0]?.state?.["running"] !== undefined;
    });
    const log = await podLogs(client, where);
    assert.ok((await text(log)).length > 0, "it says something when it starts");

    // A second copy of the program finds the port taken: it ends by itself, with an exit code other than 0.
    const second = await execInPod(client, { ...where, command: ["/main"] });
    const [output, errors, code] = await Promise.all([
      text(second.stdout),
      second.stderr === null ? "" : text(second.stderr),
      second.exitCode,
    ]);
    assert.notEqual(code, 0);
    assert.match(output + errors, /address already in use/);

    const missing = await execInPod(client, { ...where, command: ["/no-such-program"] });
    await assert.rejects(missing.exitCode, (error: unknown) => isKubeError(error));
    await client.delete(pods, { namespace: where.namespace, name: where.pod, gracePeriodSeconds: 0 });
  });

  it("are registered, with every node seen and every component in order", async () => {
    for (const { name } of clusters) {
      await server.admin.call(create, {
        query: {},
        body: { name, kubeconfig: kubeconfig(name) },
        idempotencyKey: `add-${name}`,
        ticket: "CHG-1",
      });
    }
    for (const { name } of clusters) {
      const { items: hosts } = await admin(name).list(nodes);
      assert.ok(hosts.length > 0);
      await until(`${name} is whole`, async () => {
        const { health, nodes: seen, baseline, caches } = await show(name);
        return (
          health.ready === true &&
          seen.ready === hosts.length &&
          baseline.checkedAt !== null &&
          baseline.trouble === null &&
          caches.every(({ stale }) => !stale)
        );
      });
    }
  });

  it("refuse what the baseline forbids, and keep their nodes", async () => {
    for (const { name } of clusters) {
      const client = admin(name);
      const spec = { containers: [{ name: "app", image, securityContext: { privileged: true } }] };
      await assert.rejects(
        client.create(pods, { metadata: { name: "bad" }, spec }, { namespace: "default" }),
        /privileged/,
      );
      await client.create(
        pods,
        { metadata: { name: "door" }, spec: { containers: [{ name: "app", image }] } },
        { namespace: "default" },
      );
      await until("the pod runs", async () => {
        const pod = await client.get(pods, { namespace: "default", name: "door" });
        return pod.status?.phase === "Running";
      });
      await assert.rejects(execInPod(client, { namespace: "default", pod: "door", command: ["/main"] }), {
        reason: "forbidden",
        message: /through WCS only/,
      });
      await client.delete(pods, { namespace: "default", name: "door", gracePeriodSeconds: 0 });
    }
    await sleep(5_000);
    for (const { name } of clusters) {
      const { nodes: seen } = await show(name);
      assert.equal(seen.ready, seen.total, `${name}: kubelets go on under the policies`);
    }
  });

  it("are told to be away when they are, without harm to the others, and come back", async () => {
    const [first, ...others] = clusters;
    assert.ok(first !== undefined);
    await fault("cut-cluster", first.name);
    try {
      await until("it is told to be away", async () => (await show(first.name)).health.reachable === false);
      for (const { name } of others) assert.equal((await show(name)).health.ready, true);
    } finally {
      await heal();
    }
    await until(
      "it is back",
      async () => {
        const { health, caches } = await show(first.name);
        return health.ready === true && caches.every(({ stale }) => !stale);
      },
      90_000,
    );
  });

  it("are clean again after removal", async () => {
    for (const { name } of clusters) {
      await server.admin.call(remove, {
        params: { name },
        query: {},
        idempotencyKey: `remove-${name}`,
        ticket: "CHG-1",
      });
    }
    for (const { name } of clusters) {
      await until(`the policies of ${name} are gone`, async () => {
        const list = await admin(name).json<{ items: unknown[] }>(
          "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
        );
        return list.items.length === 0;
      });
    }
  });
});
