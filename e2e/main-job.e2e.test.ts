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
import { recoveryOperations } from "@wcs/api/recovery";
import { releaseOperations } from "@wcs/api/release";
import { requestOperations } from "@wcs/api/request";
import { templateOperations } from "@wcs/api/template";
import { tokenOperations } from "@wcs/api/token";
import { fenceAnnotationName } from "@wcs/core/ipam";
import { createKubeClient, nodes, parseKubeconfig, pods, type KubeClient, type PodObject } from "@wcs/kube";
import {
  down,
  estateOf,
  execForStatus,
  execIn,
  fault,
  heal,
  hostDir,
  kubeconfigFile,
  machineAddress,
  up,
} from "@wcs/lab";
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
const [listAddresses] = ipamOperations;
const [, getCluster, addCluster] = clusterOperations;
const [, getAgent, createJoinToken] = agentOperations;
const { create: createRecovery, get: getRecovery, approve: approveRecovery, returnHost } = recoveryOperations;
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
    const ofHosts = [{ effect: "allow" as const, verbs: ["*"], resources: ["recoveries"] }];
    await server.admin.call(accessOperations.Role.create, {
      body: { name: "recover-hosts", spec: { rules: ofHosts } },
    });
    const operators = { role: "recover-hosts", subjects };
    await server.admin.call(accessOperations.RoleBinding.create, { body: { name: "operators", spec: operators } });
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

  /** Waits until a host's agent has joined and is linked. */
  const isLinked = (host: string) =>
    until(`the agent of ${host} to be linked`, async () => {
      const found = await server.admin.call(getAgent, { params: { name: host } }).catch((error: unknown) => {
        if (error instanceof ProblemError && error.problem.code === "resource.not-found") return null;
        throw error;
      });
      return found !== null && found.body.links.length > 0;
    });
  const instancesOf = async (host: string) => (await zhang.call(listInstances, { query: { host } })).body.items;
  const nodeOf = async (host: string) => {
    for (const client of admins.values()) {
      const node = await client.find(nodes, { name: host });
      if (node !== null) return node;
    }
    return assert.fail(`no cluster has a Node ${host}`);
  };
  const fenceOf = async (host: string) => (await nodeOf(host)).metadata.annotations?.[fenceAnnotationName];
  const approvedRecovery = async (host: string): Promise<string> => {
    const planned = (await zhang.call(createRecovery, { ticket: "CHG-9", body: { host } })).body;
    const { id, planHash } = planned;
    await assert.rejects(zhang.call(approveRecovery, { params: { id }, body: { planHash } }), /another person/);
    await chen.call(approveRecovery, { params: { id }, body: { planHash } });
    return id;
  };
  const recoveryEnds = (id: string) =>
    until(`${id} to end`, async () => {
      const now = (await zhang.call(getRecovery, { params: { id } })).body;
      return now.state !== "running" && now;
    });

  it("recovers a host that was killed within its rack, moves nothing off one that lives, and fences the first when it is back", async () => {
    // One host of each rack of the first IDC is lost: one is off, the other is only cut off from its API server.
    const dead = (await zhang.call(listInstances, { query: { dcn: "1A1" } })).body.items.find(
      ({ rack }) => rack === "idc1-r1",
    );
    const alive = (await zhang.call(listInstances, { query: { dcn: "1A1" } })).body.items.find(
      ({ rack }) => rack === "idc1-r2",
    );
    assert.ok(dead && alive);
    for (const host of ["idc1-h1", "idc1-h2", "idc1-h3", "idc1-h4"]) await isLinked(host);
    const ip = dead.nics[0]?.ip ?? "";
    const neighbour = "idc1-v1";
    const reaches = async () =>
      (await execForStatus(neighbour, ["curl", "-s", "--max-time", "1", "-o", "/dev/null", `http://${ip}:8080/`]))
        .status === 0;
    const macSeen = async () => /lladdr (\S+)/.exec(await execIn(neighbour, ["ip", "neigh", "show", ip]))?.[1];
    assert.ok(await reaches());
    const mac = await macSeen();
    const uids = new Map([...(await podsThere())].map(([name, pod]) => [name, pod.metadata.uid]));

    await fault("kill-host", dead.host);
    await fault("cut-api", alive.host);
    const killedMs = Date.now();
    for (const { host } of [dead, alive]) {
      const lost = await until(`the instances of ${host} to be lost`, async () => {
        const items = await instancesOf(host);
        return items.every(({ state }) => state === "lost") && items;
      });
      const tookMs = Date.now() - killedMs;
      assert.ok(tookMs < 60_000, `lost after ${tookMs} ms`);
      assert.match(lost[0]?.reason ?? "", /Kubelet stopped posting node status/);
      console.log(`${host}: lost after ${(tookMs / 1000).toFixed(1)} s`);
    }
    for (const [name, pod] of await podsThere()) assert.equal(pod.metadata.uid, uids.get(name), "nothing is evicted");

    const [first, second] = [await approvedRecovery(alive.host), await approvedRecovery(dead.host)];
    const stayed = await recoveryEnds(first);
    for (const move of stayed.moves) {
      assert.equal(move.state, "stayed");
      assert.match(
        move.reason,
        /its address still answers on its rack \(02:57:\S+\): the old container lives, so it is not moved/,
      );
    }
    const moved = await recoveryEnds(second);
    assert.deepEqual([moved.state, ...new Set(moved.moves.map(({ state }) => state))], ["done", "done"], moved.reason);
    console.log(`${dead.host}: recovered ${((Date.now() - killedMs) / 1000).toFixed(1)} s after it was killed`);
    const now = (await zhang.call(listInstances, { query: { dcn: "1A1" } })).body.items.find(
      ({ name }) => name === dead.name,
    );
    assert.deepEqual([now?.rack, now?.nics], [dead.rack, dead.nics]);
    assert.notEqual(now?.host, dead.host);
    assert.equal((await podsThere()).get(`${dead.name}-0`)?.spec?.nodeName, now?.host);
    assert.ok(await reaches(), "a neighbour that knew it before reaches it");
    assert.equal(await macSeen(), mac, "under the same MAC");

    await heal(alive.host);
    await until("the one that lived to be well again", async () =>
      (await instancesOf(alive.host)).every(({ state }) => state === "ready"),
    );
    for (const { name } of await instancesOf(alive.host)) {
      assert.equal((await podsThere()).get(`${name}-0`)?.metadata.uid, uids.get(`${name}-0`), "untouched");
    }
    assert.equal(await fenceOf(alive.host), undefined);

    await heal(dead.host);
    const isUp = async () =>
      (await nodeOf(dead.host)).status?.conditions?.some(
        ({ type, status }) => type === "Ready" && status === "True",
      ) === true;
    await until(`${dead.host} to be back`, async () => {
      const links = await execIn(dead.host, ["ip", "-o", "link", "show", "type", "veth"]);
      assert.doesNotMatch(links, /\bwcs/, "an old pod has a network again");
      return isUp();
    });
    assert.ok((await fenceOf(dead.host))?.includes(dead.name));
    assert.equal((await nodeOf(dead.host)).spec?.unschedulable, true);
    assert.ok(await reaches());
    await until("the host to be let in again", async () =>
      zhang.call(returnHost, { params: { id: second }, body: {} }).then(
        () => true,
        (error: unknown) => (error instanceof ProblemError ? false : Promise.reject(error)),
      ),
    );
    await until("its fence to be gone", async () => (await fenceOf(dead.host)) === undefined);
    assert.deepEqual(new Set(await everyPod(({ status }) => status?.phase)), new Set(["Running"]));
    assert.equal((await podsThere()).size, 6);
  });
});
