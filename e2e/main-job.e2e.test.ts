import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ProblemError, type Client } from "@wcs/api";
import { accessOperations } from "@wcs/api/access";
import { agentOperations } from "@wcs/api/agent";
import { clusterOperations } from "@wcs/api/cluster";
import { changeEstate } from "@wcs/api/estate";
import { instanceOperations } from "@wcs/api/instance";
import { ipamOperations } from "@wcs/api/ipam";
import { releaseOperations } from "@wcs/api/release";
import { requestOperations } from "@wcs/api/request";
import { templateOperations } from "@wcs/api/template";
import { tokenOperations } from "@wcs/api/token";
import { createKubeClient, parseKubeconfig, pods, type KubeClient, type PodObject } from "@wcs/kube";
import { down, estateOf, hostDir, kubeconfigFile, machineAddress, up } from "@wcs/lab";
import {
  startTestPostgres,
  startTestServer,
  type TestDatabase,
  type TestPostgres,
  type TestServer,
} from "@wcs/server/testing";

const [listInstances] = instanceOperations;
const [, createRequest, , approveRequest] = requestOperations;
const [, createRelease, getRelease, approveRelease, , startRelease, , continueRelease, , rollBackRelease] =
  releaseOperations;
const [, createTemplate] = templateOperations;
const [, createToken] = tokenOperations;
const [, , createJoinToken] = agentOperations;
const [listAddresses] = ipamOperations;
const [, getCluster, addCluster] = clusterOperations;
const namespace = "wcs-retail";
const agentFolder = fileURLToPath(new URL("../agent/", import.meta.url));
const body = { subsystem: "1001", class: "1C2G", counts: { "1A1": 3, "1A2": 3 } };

async function until<T>(what: string, look: () => Promise<T | false>, timeoutMs = 90_000): Promise<T> {
  const endMs = Date.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (seen !== false) return seen;
    assert.ok(Date.now() < endMs, `not within ${timeoutMs} ms: ${what}`);
    await sleep(200);
  }
}

describe("from a request to a release and back, on the lab", () => {
  let postgres: TestPostgres;
  let database: TestDatabase;
  let server: TestServer;
  let isUp = false;
  let zhang: Client;
  let chen: Client;
  const admins = new Map<string, KubeClient>();
  const digests = new Map<string, string>();

  before(async () => {
    const lab = await up("two-idc", { cni: join(agentFolder, "bin/wecni-lab") });
    isUp = true;
    const { topology } = lab;
    for (const { name } of topology.clusters) {
      const access = parseKubeconfig(kubeconfig(name), { readFile: (path) => readFileSync(path, "utf8") });
      admins.set(name, createKubeClient({ access, userAgent: "test" }));
    }
    postgres = await startTestPostgres();
    database = await postgres.createDatabase();
    // Where the agents of agent/lab-provider.ts look for a server.
    server = await startTestServer(database, { env: { WCS_AGENT_LISTEN: `${machineAddress()}:8443` } });
    const second = { kind: "Person", name: "chen-jie", spec: { business: "retail" } };
    await server.admin.call(changeEstate, { ticket: "CHG-0", body: { documents: [...estateOf(topology), second] } });
    for (const { name: host } of topology.hosts) {
      const asked = { params: { name: host }, body: { lifetimeMinutes: 10 }, ticket: "CHG-0" };
      const { text } = (await server.admin.call(createJoinToken, asked)).body;
      writeFileSync(join(hostDir(host), "wcs-join-token"), text, { mode: 0o600 });
    }
    const rules = [{ effect: "allow" as const, verbs: ["*"], resources: ["*"] }];
    await server.admin.call(accessOperations.Role.create, { body: { name: "everything", spec: { rules } } });
    const subjects = ["zhang-wei", "chen-jie"].map((name) => ({ kind: "Person" as const, name }));
    const spec = { role: "everything", subjects, businesses: ["retail"] };
    await server.admin.call(accessOperations.RoleBinding.create, { body: { name: "retail-all", spec } });
    [zhang, chen] = [await clientOf("zhang-wei"), await clientOf("chen-jie")];
    for (const { name } of topology.clusters) {
      await server.admin.call(addCluster, { ticket: "CHG-0", body: { name, kubeconfig: kubeconfig(name) } });
    }
    for (const { name } of topology.clusters) {
      await until(`${name} to be whole`, async () => {
        const { health, baseline, nodes } = (await server.admin.call(getCluster, { params: { name } })).body;
        return health.ready === true && baseline.checkedAt !== null && nodes.ready > 0;
      });
    }
    for (const version of ["1", "2"]) digests.set(version, await digestOf(version));
  });
  after(async () => {
    for (const client of admins.values()) client.close();
    await server?.stop();
    await postgres?.stop();
    // A lab that could not be had is somebody else's.
    if (isUp) await down();
  });

  const kubeconfig = (name: string) => readFileSync(kubeconfigFile(name), "utf8");
  const clientOf = async (name: string): Promise<Client> => {
    const subject = { kind: "Person" as const, name };
    const made = await server.admin.call(createToken, { body: { subject, lifetimeHours: 1 } });
    return server.clientOf(made.body.text);
  };
  /** The digest of a version of the demo application, as the lab's registry gave it to a host. */
  const digestOf = async (version: string): Promise<string> => {
    const [client] = admins.values();
    assert.ok(client);
    const where = { namespace: "default", name: `digest-${version}` };
    const containers = [{ name: "app", image: `registry.lab.wcs/demo:${version}` }];
    await client.create(pods, { metadata: { name: where.name }, spec: { containers } }, { namespace: "default" });
    const digest = await until("the image to be pulled", async () => {
      const pod = await client.get(pods, where);
      return /sha256:[0-9a-f]{64}$/.exec(pod.status?.containerStatuses?.[0]?.imageID ?? "")?.[0] ?? false;
    });
    await client.delete(pods, { ...where, gracePeriodSeconds: 0 });
    return digest;
  };
  const podsThere = async (): Promise<ReadonlyMap<string, PodObject>> => {
    const lists = await Promise.all([...admins.values()].map((client) => client.list(pods, { namespace })));
    return new Map(lists.flatMap(({ items }) => items.map((pod) => [pod.metadata.name, pod])));
  };
  const releaseIs = (id: string, state: string) =>
    until(`${id} to be ${state}`, async () => {
      const release = (await zhang.call(getRelease, { params: { id } })).body;
      if (release.state !== state && release.state === "failed") assert.fail(JSON.stringify(release.targets));
      return release.state === state && release;
    });
  const startedRelease = async (version: string, ticket: string) => {
    const made = await zhang.call(createRelease, {
      ticket,
      body: {
        subsystem: "1001",
        environment: "production",
        template: 1,
        imageDigest: digests.get(version) ?? "",
        gates: { soakSeconds: 1 },
        rollbackTo: "previous",
        verification: "queries are answered",
      },
    });
    const { id, planHash } = made.body;
    await chen.call(approveRelease, { params: { id }, body: { planHash } });
    await zhang.call(startRelease, { params: { id }, body: {} });
    return id;
  };
  const everyPod = async (look: (pod: PodObject) => unknown): Promise<readonly unknown[]> => [
    ...new Set([...(await podsThere()).values()].map(look)),
  ];

  it("delivers six instances over two data centres, with what VMs there are counted, once another person has approved", async () => {
    const spec = {
      image: "registry.lab.wcs/demo",
      user: { uid: 1000, gid: 1000 },
      ports: [{ name: "http", port: 8080 }],
      probes: { readiness: { http: { path: "/ready", port: 8080 }, periodSeconds: 1 } },
      gracefulStop: { seconds: 10 },
    };
    await zhang.call(createTemplate, { body: { subsystem: "1001", spec } });
    const request = await until("the ledger to have the lab's subnets", async () => {
      try {
        return (await zhang.call(createRequest, { ticket: "CHG-1", body })).body;
      } catch (error) {
        // Until then it says that there are no fixed IPs, or that the hosts are not heard of.
        if (error instanceof ProblemError && error.problem.code === "request.impossible") return false;
        throw error;
      }
    });
    const approval = { params: { id: request.id }, body: { planHash: request.planHash } };
    await assert.rejects(zhang.call(approveRequest, approval), /another person/);
    const delivered = (await chen.call(approveRequest, approval)).body;
    assert.equal(delivered.state, "delivered");
    const { items } = (await zhang.call(listInstances, {})).body;
    assert.deepEqual(
      items.map(({ name, idc }) => `${name} ${idc}`),
      [1, 2].flatMap((idc) => [1, 2, 3].map((number) => `1001-1a${idc}-0${number} idc${idc}`)),
    );
    for (const dcn of ["1A1", "1A2"]) {
      const racks = new Set(items.filter((item) => item.dcn === dcn).map(({ rack }) => rack));
      assert.equal(racks.size, 2, "half of a DCN, its VM counted, survives the loss of a rack");
    }
  });

  it("brings a first version, a second one in place with a canary, and takes that back", async () => {
    const first = await startedRelease("1", "CHG-2");
    await releaseIs(first, "paused");
    await chen.call(continueRelease, { params: { id: first }, body: {} });
    await releaseIs(first, "done");
    const uids = await everyPod(({ metadata }) => metadata.uid);
    assert.equal(uids.length, 6);
    assert.deepEqual(await everyPod(({ status }) => status?.phase), ["Running"]);
    const ips = async () => {
      const there = await podsThere();
      const { items } = (await zhang.call(listInstances, {})).body;
      for (const { name, nics } of items) assert.equal(there.get(`${name}-0`)?.status?.podIP, nics[0]?.ip, name);
    };
    await ips();
    await until("every instance's address to be bound, by its host's own report", async () => {
      const { items } = (await server.admin.call(listAddresses, { query: { state: "bound", limit: 500 } })).body;
      const there = await podsThere();
      const bound = items.filter(({ owner }) => owner?.kind === "instance");
      for (const { owner, binding } of bound) {
        const pod = there.get(`${owner?.name}-0`);
        assert.deepEqual([binding?.podUid, binding?.host], [pod?.metadata.uid, pod?.spec?.nodeName], owner?.name ?? "");
      }
      return bound.length === 6;
    });

    const second = await startedRelease("2", "CHG-3");
    const paused = await releaseIs(second, "paused");
    assert.deepEqual([...new Set(paused.targets.map(({ effect }) => effect))], ["in-place"]);
    assert.equal(paused.passed, 1);
    const images = await everyPod(({ spec }) => spec?.containers[0]?.image);
    assert.equal(images.length, 2, "the canary alone has the new version");
    await chen.call(continueRelease, { params: { id: second }, body: {} });
    await releaseIs(second, "done");
    assert.deepEqual(await everyPod(({ spec }) => spec?.containers[0]?.image), [
      `registry.lab.wcs/demo@${digests.get("2")}`,
    ]);
    assert.deepEqual(new Set(await everyPod(({ metadata }) => metadata.uid)), new Set(uids));

    await zhang.call(rollBackRelease, { params: { id: second }, body: {} });
    await releaseIs(second, "rolled-back");
    assert.deepEqual(await everyPod(({ spec }) => spec?.containers[0]?.image), [
      `registry.lab.wcs/demo@${digests.get("1")}`,
    ]);
    assert.deepEqual(new Set(await everyPod(({ metadata }) => metadata.uid)), new Set(uids));
    const { items } = (await zhang.call(listInstances, {})).body;
    assert.deepEqual([...new Set(items.map(({ state }) => state))], ["ready"]);
    await ips();
  });
});
