import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { instanceManifests, podName, type InstanceDesign, type InstanceManifests } from "@wcs/core/instance";
import { createKubeClient, namespaces, pods, type KubeClient, statefulSets } from "@wcs/kube";
import { startControlPlane, type ControlPlane } from "@wcs/kube/testing";
import { bringInstance, type BroughtInstance } from "./bring-instance.ts";
import { readLiveInstance } from "./live-instance.ts";

const namespace = "wcs-retail";
const instance = "1001-1c1-01";

const usual: InstanceDesign = {
  instance,
  business: "retail",
  subsystem: "1001",
  dcn: "1C1",
  environment: "production",
  namespace,
  host: "idc1-r1-h1",
  class: { name: "2C4G", cpuMilli: 2000, memoryMiB: 4096 },
  network: {
    instance,
    generation: 1,
    nics: [
      {
        name: "eth0",
        area: "core",
        address: "10.71.1.100/24",
        mac: "02:57:0a:47:01:64",
        gateway: "10.71.1.254",
        defaultRoute: true,
        internalPrefixes: [],
        routes: [],
        conflictProbe: true,
      },
    ],
  },
  template: {
    image: "registry.bank.example/retail/query",
    user: { uid: 1000, gid: 1000 },
    environment: { MODE: "online" },
    ports: [{ name: "http", port: 8080 }],
    probes: { readiness: { http: { path: "/ready", port: 8080 } }, liveness: { tcp: { port: 8080 } } },
    gracefulStop: { seconds: 20, http: { path: "/stop", port: 8080 } },
    files: [{ path: "/opt/app/app.conf", content: "threads=4\n" }],
    folders: [{ path: "/opt/app/work", sizeMiB: 100 }],
    logFolder: "/opt/app/log",
    labels: { tier: "web" },
  },
  imageDigest: `sha256:${"a".repeat(64)}`,
  timeZone: "Asia/Shanghai",
  release: "r-1",
  running: true,
};

describe("an instance on a real API server", () => {
  let plane: ControlPlane;
  let client: KubeClient;
  const designs = new Map<string, InstanceManifests>();

  before(async () => {
    plane = await startControlPlane();
    await plane.startControllerManager();
    client = createKubeClient({ access: plane.access, userAgent: "test" });
    await client.create(namespaces, {
      metadata: { name: namespace, labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
    });
  });
  after(async () => {
    client.close();
    await plane.stop();
  });

  const bring = async (design: InstanceDesign): Promise<BroughtInstance> => {
    const meant = instanceManifests(design);
    designs.set(meant.version, meant);
    const designOf = async (version: string) => designs.get(version) ?? null;
    return bringInstance({ client, namespace, instance, meant, designOf, purpose: "release" });
  };
  const until = async <T>(what: string, look: () => Promise<T | null | false>): Promise<T> => {
    for (let waitedMs = 0; waitedMs < 20_000; waitedMs += 50) {
      const seen = await look();
      if (seen !== null && seen !== false) return seen;
      await sleep(50);
    }
    return assert.fail(`waited 20 s for ${what}`);
  };
  const podThere = (otherThan?: string) =>
    until("the pod", async () => {
      const { pod } = await readLiveInstance(client, { namespace, instance });
      return pod !== null && !pod.deleting && pod.uid !== otherThan && pod;
    });

  it("is created under pod security restricted, and then there is nothing to do", async () => {
    assert.equal((await bring(usual)).did, "created");
    const pod = await podThere();
    assert.equal(pod.annotations["wcs.io/version"], instanceManifests(usual).version);
    const again = await bring(usual);
    assert.equal(again.did, "nothing");
    assert.deepEqual(again.reported, []);
  });

  it("has nothing to be put right when its template says next to nothing", async () => {
    const bare = {
      ...usual,
      instance: "1001-1c1-02",
      network: { ...usual.network, instance: "1001-1c1-02" },
      template: { image: usual.template.image, user: usual.template.user, environment: { EMPTY: "" }, args: [] },
    };
    const meant = instanceManifests(bare);
    const options = {
      client,
      namespace,
      instance: bare.instance,
      meant,
      designOf: async () => null,
      purpose: "release" as const,
    };
    assert.equal((await bringInstance(options)).did, "created");
    await until(
      "its pod",
      async () => (await readLiveInstance(client, { namespace, instance: bare.instance })).pod !== null,
    );
    const again = await bringInstance(options);
    assert.deepEqual([again.did, again.reported], ["nothing", []]);
  });

  it("gets another image in the same pod", async () => {
    const before = await podThere();
    const changed = { ...usual, imageDigest: `sha256:${"b".repeat(64)}`, release: "r-2" };
    const brought = await bring(changed);
    assert.equal(brought.did, "patched");
    assert.equal(brought.change?.effect, "in-place");
    const pod = await podThere();
    assert.equal(pod.uid, before.uid);
    assert.equal(pod.annotations["wcs.io/release"], "r-2");
    assert.equal((await bring(changed)).did, "nothing");
    assert.equal((await bring(usual)).did, "patched");
  });

  it("is made anew, once, when its environment changes, and the new pod has the new design", async () => {
    const before = await podThere();
    const changed = { ...usual, template: { ...usual.template, environment: {} }, release: "r-3" };
    const brought = await bring(changed);
    assert.equal(brought.did, "re-created");
    assert.deepEqual(
      brought.change?.steps.map(({ path }) => path),
      ["template.spec.containers[app].env[MODE]"],
    );
    const pod = await podThere(before.uid);
    assert.equal(pod.annotations["wcs.io/version"], instanceManifests(changed).version);
    assert.equal((await bring(changed)).did, "nothing");
    assert.equal((await bring(usual)).did, "re-created");
    await podThere(pod.uid);
  });

  it("is put right after its StatefulSet was deleted or its labels and count were changed by hand", async () => {
    await podThere();
    await client.delete(statefulSets, { namespace, name: instance, propagation: "Orphan" });
    await until(
      "the StatefulSet to go",
      async () => (await readLiveInstance(client, { namespace, instance })).statefulSet === null,
    );
    const orphan = await podThere();
    assert.equal((await bring(usual)).did, "applied");
    assert.equal((await podThere()).uid, orphan.uid, "the pod that ran was taken over");

    await client.patch(statefulSets, { namespace, name: instance, kind: "merge", patch: { spec: { replicas: 0 } } });
    await client.patch(pods, {
      namespace,
      name: podName(instance),
      kind: "merge",
      patch: { metadata: { labels: { "wcs.io/dcn": "9Z9", stray: "x" } } },
    });
    await bring(usual);
    const pod = await podThere();
    await until("the label", async () => {
      await bring(usual);
      return (await podThere()).labels["wcs.io/dcn"] === "1C1";
    });
    assert.equal(typeof pod.uid, "string");
  });

  it("is stopped and started by its count alone", async () => {
    const before = await podThere();
    await bring({ ...usual, running: false });
    await until("the pod to go", async () => (await readLiveInstance(client, { namespace, instance })).pod === null);
    assert.equal((await bring({ ...usual, running: false })).did, "nothing");
    await bring(usual);
    assert.notEqual((await podThere()).uid, before.uid);
  });
});
