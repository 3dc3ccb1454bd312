import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { mayDo, rulesIn } from "./access-review.ts";
import { createKubeClient, type KubeClient } from "./client.ts";
import { isKubeError, type KubeError } from "./errors.ts";
import type { KubeObject } from "./object.ts";
import { resourceType, type ResourceType } from "./resource.ts";
import { namespaces, pods } from "./resources.ts";
import { readiness, servedGroupVersions, servedResources, serverVersion } from "./server-info.ts";
import { createAuthority, startControlPlane, type ControlPlane } from "./testing/index.ts";

type ConfigMap = KubeObject & { data?: Record<string, string> };
const configMaps: ResourceType<ConfigMap> = resourceType("v1/configmaps", "ConfigMap", "namespaced");
const deployments: ResourceType<KubeObject & { spec?: { replicas?: number } }> = resourceType(
  "apps/v1/deployments",
  "Deployment",
  "namespaced",
);

const configMap = (name: string, data: Record<string, string>) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "default" },
  data,
});

async function failure(promise: Promise<unknown>): Promise<KubeError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(isKubeError(error), String(error));
    return error;
  }
  return assert.fail("the call did not fail");
}

describe("a client of a real API server", () => {
  let plane: ControlPlane;
  let client: KubeClient;
  before(async () => {
    plane = await startControlPlane();
    client = createKubeClient({ access: plane.access, userAgent: "test" });
  });
  after(async () => {
    client.close();
    await plane.stop();
  });

  it("tells version, readiness and what is served", async () => {
    const version = await serverVersion(client);
    assert.equal(version.major, 1);
    assert.ok(version.minor >= 33, version.gitVersion);
    const { ready, checks } = await readiness(client);
    assert.equal(ready, true);
    assert.ok(checks.some((check) => check.name === "etcd" && check.ok));
    assert.ok((await servedGroupVersions(client)).includes("apps/v1"));
    assert.ok((await servedResources(client, "v1")).some((resource) => resource.name === "pods/resize"));
    const { date } = await client.text("/version");
    assert.ok(date !== null && Math.abs(date.getTime() - Date.now()) < 10_000);
  });

  it("creates, reads, replaces, patches and deletes with preconditions", async () => {
    const created = await client.create(configMaps, configMap("a", { x: "1" }), { namespace: "default" });
    assert.equal(
      (await failure(client.create(configMaps, configMap("a", {}), { namespace: "default" }))).reason,
      "already-exists",
    );
    const patched = await client.patch(configMaps, {
      namespace: "default",
      name: "a",
      kind: "merge",
      patch: { data: { y: "2" } },
    });
    assert.deepEqual(patched.data, { x: "1", y: "2" });
    const stale = await failure(client.replace(configMaps, created));
    assert.equal(stale.reason, "conflict");
    const where = { namespace: "default", name: "a" };
    const wrongUid = await failure(client.delete(configMaps, { ...where, preconditions: { uid: "0" } }));
    assert.equal(wrongUid.reason, "conflict");
    const { uid = "", resourceVersion = "" } = patched.metadata;
    await client.delete(configMaps, { ...where, preconditions: { uid, resourceVersion } });
    assert.equal(await client.find(configMaps, where), null);
    assert.equal((await failure(client.get(configMaps, where))).reason, "not-found");
  });

  it("applies as one manager, and tells another manager's fields as conflicts", async () => {
    const mine = configMap("applied", { color: "red" });
    await client.apply(configMaps, mine, { fieldManager: "one" });
    const dry = await client.apply(configMaps, configMap("applied", { color: "green" }), {
      fieldManager: "one",
      dryRun: true,
    });
    assert.equal(dry.data?.["color"], "green");
    const conflict = await failure(
      client.apply(configMaps, configMap("applied", { color: "blue" }), { fieldManager: "two" }),
    );
    assert.equal(conflict.reason, "apply-conflict");
    assert.deepEqual(conflict.conflicts, [{ field: ".data.color", manager: "one" }]);
    const forced = await client.apply(configMaps, configMap("applied", { color: "blue" }), {
      fieldManager: "two",
      force: true,
    });
    assert.equal(forced.data?.["color"], "blue");
  });

  it("names the field of an object that is not valid", async () => {
    const error = await failure(client.apply(configMaps, { ...configMap("Bad_Name", {}) }, { fieldManager: "one" }));
    assert.equal(error.reason, "invalid");
    assert.equal(error.status?.details?.causes?.[0]?.field, "metadata.name");
  });

  it("lists page by page, with selectors", async () => {
    for (let index = 0; index < 25; index += 1) {
      const object = configMap(`page-${index}`, {});
      await client.create(
        configMaps,
        { ...object, metadata: { ...object.metadata, labels: { odd: String(index % 2) } } },
        { namespace: "default" },
      );
    }
    let pages = 0;
    const names = new Set<string>();
    for await (const page of client.pages(configMaps, { namespace: "default", labelSelector: "odd", pageSize: 10 })) {
      pages += 1;
      for (const item of page.items) names.add(item.metadata.name);
    }
    assert.equal(pages, 3);
    assert.equal(names.size, 25);
    const odd = await client.list(configMaps, { namespace: "default", labelSelector: "odd=1", pageSize: 5 });
    assert.equal(odd.items.length, 12);
    const one = await client.list(configMaps, { fieldSelector: "metadata.name=page-7" });
    assert.deepEqual(
      one.items.map((item) => item.metadata.name),
      ["page-7"],
    );
  });

  it("ends an old page token with the reason expired", async () => {
    const error = await failure(
      (async () => {
        let first = true;
        for await (const page of client.pages(configMaps, { namespace: "default", pageSize: 2 })) {
          assert.ok(page.items.length > 0);
          if (!first) continue;
          first = false;
          await client.apply(configMaps, configMap("moves-on", { at: "1" }), { fieldManager: "one" });
          await plane.compact();
          await plane.killApiserver();
          await plane.startApiserver();
        }
      })(),
    );
    assert.equal(error.reason, "expired");
  });

  it("reaches subresources", async () => {
    const template = { metadata: { labels: { app: "a" } }, spec: { containers: [{ name: "c", image: "i" }] } };
    await client.create(
      deployments,
      { metadata: { name: "scaled" }, spec: { replicas: 1, selector: { matchLabels: { app: "a" } }, template } },
      { namespace: "default" },
    );
    await client.patch(deployments, {
      namespace: "default",
      name: "scaled",
      subresource: "scale",
      kind: "merge",
      patch: { spec: { replicas: 3 } },
    });
    assert.equal((await client.get(deployments, { namespace: "default", name: "scaled" })).spec?.replicas, 3);
  });

  it("resizes and evicts a pod", async () => {
    const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace: "default" } };
    const accounts = resourceType("v1/serviceaccounts", "ServiceAccount", "namespaced");
    await client.apply(accounts, account, { fieldManager: "one" });
    const where = { namespace: "default", name: "sized" };
    const sizeOf = (cpu: string) => ({ requests: { cpu, memory: "64Mi" }, limits: { cpu, memory: "64Mi" } });
    await client.create(
      pods,
      { metadata: { name: "sized" }, spec: { containers: [{ name: "c", image: "i", resources: sizeOf("1") }] } },
      { namespace: "default" },
    );
    const resized = await client.patch(pods, {
      ...where,
      subresource: "resize",
      kind: "strategic",
      patch: { spec: { containers: [{ name: "c", resources: sizeOf("2") }] } },
    });
    assert.equal(resized.spec?.containers[0]?.resources?.limits?.["cpu"], "2");
    await client.create(
      pods,
      { apiVersion: "policy/v1", kind: "Eviction", metadata: where },
      { ...where, subresource: "eviction" },
    );
    assert.equal(await client.find(pods, where), null);
  });

  it("tells rights, and 403 from 401", async () => {
    const nobody = createKubeClient({ access: await plane.accessFor("nobody"), userAgent: "test" });
    const stranger = createKubeClient({
      access: { ...plane.access, credential: { kind: "token", token: "not-a-token" } },
      userAgent: "test",
    });
    try {
      assert.equal(
        await mayDo(client, { verb: "create", group: "", resource: "pods/exec", namespace: "default" }),
        true,
      );
      assert.equal(await mayDo(nobody, { verb: "list", group: "", resource: "nodes" }), false);
      const { rules } = await rulesIn(nobody, "default");
      assert.ok(rules.some((rule) => rule.resources?.includes("selfsubjectaccessreviews")));
      const forbidden = await failure(nobody.list(namespaces));
      assert.equal(forbidden.reason, "forbidden");
      assert.match(forbidden.message, /nobody/);
      const unknown = await failure(stranger.list(namespaces));
      assert.equal(unknown.reason, "unauthenticated");
    } finally {
      nobody.close();
      stranger.close();
    }
  });

  it("tells an expired client certificate from a refused one", async () => {
    const expired = createKubeClient({ access: await plane.accessFor("late", { days: -1 }), userAgent: "test" });
    try {
      const error = await failure(expired.list(namespaces));
      assert.equal(error.reason, "client-certificate-expired");
      assert.match(error.message, /expired at 20/);
    } finally {
      expired.close();
    }
  });

  it("refuses a server that the CA did not sign", async () => {
    const directory = await mkdtemp(join(tmpdir(), "wcs-other-ca-"));
    const other = await createAuthority(directory, "other");
    await rm(directory, { recursive: true });
    const fooled = createKubeClient({ access: { ...plane.access, caPem: other.certificatePem }, userAgent: "test" });
    try {
      assert.equal((await failure(fooled.list(namespaces))).reason, "server-certificate-untrusted");
    } finally {
      fooled.close();
    }
  });

  it("gives up on a paused API server in time, and goes on when it is back", async () => {
    await plane.pauseApiserver();
    try {
      const startedMs = Date.now();
      const error = await failure(client.list(namespaces, { timeoutMs: 1_500 }));
      assert.equal(error.reason, "timed-out");
      assert.ok(Date.now() - startedMs < 4_000);
    } finally {
      await plane.resumeApiserver();
    }
    assert.ok((await client.list(namespaces)).items.length > 0);
  });

  it("waits through a restart of the API server for a read, without an error", async () => {
    await plane.killApiserver();
    const reading = createKubeClient({ access: plane.access, userAgent: "test", maxAttempts: 20 });
    try {
      const answer = reading.list(namespaces);
      await plane.startApiserver();
      assert.ok((await answer).items.length > 0);
      assert.ok(reading.statistics().retries > 0);
    } finally {
      reading.close();
    }
  });
});
