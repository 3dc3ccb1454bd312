import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { after, afterEach, before, describe, it } from "node:test";
import { createKubeClient, type KubeClient } from "./client.ts";
import { keyOf, type KubeObject } from "./object.ts";
import { resourceType, type ResourceType } from "./resource.ts";
import { startControlPlane, startRelay, type ControlPlane } from "./testing/index.ts";
import { startWatchCache, type CacheChange, type WatchCache } from "./watch-cache.ts";

type ConfigMap = KubeObject & { data?: Record<string, string> };
type Kept = { uid: string; data: Record<string, string> };
const configMaps: ResourceType<ConfigMap> = resourceType("v1/configmaps", "ConfigMap", "namespaced");
const keep = (object: ConfigMap): Kept => ({ uid: object.metadata.uid ?? "", data: object.data ?? {} });
const inDefault = { namespace: "default" };

async function until(what: string, check: () => boolean | Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  const endMs = Date.now() + timeoutMs;
  while (!(await check())) {
    assert.ok(Date.now() < endMs, `not within ${timeoutMs} ms: ${what}`);
    await sleep(20);
  }
}

/** Follows one key as a consumer would; fails on a change that does not follow from the one before. */
function follower(): { onChange: (change: CacheChange<Kept>) => void; seen: Map<string, Kept>; changes: () => number } {
  const seen = new Map<string, Kept>();
  let changes = 0;
  return {
    seen,
    changes: () => changes,
    onChange: ({ key, before, after }) => {
      changes += 1;
      assert.deepEqual(before, seen.get(key), `${key}: a change that does not follow`);
      assert.ok(
        before === undefined || after === undefined || before.uid === after.uid,
        `${key}: one change, two objects`,
      );
      if (after === undefined) seen.delete(key);
      else seen.set(key, after);
    },
  };
}

describe("a watch cache on a real API server", () => {
  let plane: ControlPlane;
  let client: KubeClient;
  const caches: WatchCache<Kept>[] = [];
  before(async () => {
    plane = await startControlPlane();
    client = createKubeClient({ access: plane.access, userAgent: "test", callsPerSecond: 5_000, burst: 5_000 });
  });
  afterEach(async () => {
    for (const cache of caches.splice(0)) await cache.close();
  });
  after(async () => {
    client.close();
    await plane.stop();
  });

  const put = (name: string, data: Record<string, string>, labels: Record<string, string> = {}) =>
    client.apply(
      configMaps,
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "default", labels }, data },
      { fieldManager: "test", force: true },
    );
  const remove = (name: string) => client.delete(configMaps, { ...inDefault, name });

  function start(
    options: { labelSelector?: string; maxObjects?: number; onChange?: (change: CacheChange<Kept>) => void } = {},
  ) {
    const cache = startWatchCache({
      client,
      resource: configMaps,
      ...inDefault,
      project: keep,
      progressMs: 5_000,
      graceMs: 1_000,
      backoff: { baseMs: 50, maxMs: 1_000 },
      pageSize: 100,
      ...options,
    });
    caches.push(cache);
    return cache;
  }

  /** The cache and what its handler was told must both be what a fresh list says. */
  async function assertEqualToServer(cache: WatchCache<Kept>, told: Map<string, Kept>): Promise<void> {
    const { items } = await client.list(configMaps, inDefault);
    const wanted = new Map(items.map((item) => [keyOf(item), keep(item)]));
    await until("the cache has as many objects as the server", () => cache.size() === wanted.size);
    await sleep(300);
    assert.deepEqual(new Map(cache.entries()), wanted);
    assert.deepEqual(told, wanted);
  }

  it("tells adding, changing, deleting and re-creating, and nothing when what it keeps did not change", async () => {
    const { onChange, seen, changes } = follower();
    const cache = start({ labelSelector: "suite=one", onChange });
    await cache.ready(10_000);
    const label = { suite: "one" };
    await put("one", { a: "1" }, label);
    await until("it is there", () => cache.get("default/one")?.data["a"] === "1");
    const afterAdding = changes();
    await put("one", { a: "1" }, { ...label, other: "label" });
    await put("one", { a: "2" }, { ...label, other: "label" });
    await until("it changed", () => cache.get("default/one")?.data["a"] === "2");
    assert.equal(changes(), afterAdding + 1);
    await remove("one");
    await put("one", { a: "3" }, label);
    await until("it was made anew", () => cache.get("default/one")?.data["a"] === "3");
    assert.equal(changes(), afterAdding + 3);
    await put("one", { a: "3" }, {});
    await until("it left the selector", () => cache.get("default/one") === undefined);
    assert.equal(seen.size, 0);
    assert.equal(cache.status().lastError, null);
  });

  it("stops growing at its bound, and says so", async () => {
    for (let index = 0; index < 4; index += 1) await put(`bound-${index}`, {}, { suite: "bound" });
    const cache = start({ labelSelector: "suite=bound", maxObjects: 3 });
    await assert.rejects(cache.ready(2_000), { reason: "too-large" });
    assert.equal(cache.size(), 3);
    assert.deepEqual([cache.status().synced, cache.status().stale], [false, true]);
    await remove("bound-0");
    await cache.ready(5_000);
  });

  it("stays fresh when nothing happens, by bookmarks and watches that end in order", async () => {
    const cache = start({ labelSelector: "never=there" });
    await cache.ready(10_000);
    await sleep(7_500);
    const { lagMs, stale, relists, silences, breaks } = cache.status();
    assert.deepEqual({ stale, relists, silences, breaks }, { stale: false, relists: 1, silences: 0, breaks: 0 });
    assert.ok(lagMs < 5_500, `lag ${lagMs} ms`);
  });

  it("is equal to the server after 5,000 objects' churn, with kills of the API server in between", async () => {
    const { onChange, seen } = follower();
    const cache = start({ onChange });
    await cache.ready(10_000);
    let seed = 42;
    const random = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
      return seed % below;
    };
    const settle = (call: Promise<unknown>) => call.catch(() => undefined);
    for (let round = 0; round < 100; round += 1) {
      const names = Array.from({ length: 50 }, (_, index) => `churn-${round * 50 + index}`);
      await Promise.all(names.map((name) => settle(put(name, { round: String(round) }))));
      const old = Array.from({ length: 25 }, () => `churn-${random((round + 1) * 50)}`);
      await Promise.all(
        old.map((name, index) => settle(index % 3 === 0 ? remove(name) : put(name, { changed: String(round) }))),
      );
      if (round === 30 || round === 60) {
        await plane.killApiserver();
        await plane.startApiserver();
      }
    }
    await assertEqualToServer(cache, seen);
    assert.ok(cache.size() > 3_500, `only ${cache.size()} objects`);
    assert.ok(cache.status().breaks >= 2);
    // A new API server knows no change from before its own start: when some were missed, each kill costs one more list.
    assert.ok(cache.status().relists <= 3, `${cache.status().relists} lists for two kills`);
  });

  it("notices a watch that went silent, says that it is stale, and comes back", async () => {
    const { onChange, seen } = follower();
    const cache = start({ onChange });
    await cache.ready(10_000);
    await put("before-the-pause", { a: "1" });
    await until("its watch runs", () => cache.get("default/before-the-pause") !== undefined);
    await plane.pauseApiserver();
    try {
      await until("it is stale", () => cache.status().stale, 10_000);
      await until("the silence was noticed", () => cache.status().silences >= 1, 10_000);
      assert.ok(cache.status().lagMs > 5_000);
      assert.equal(cache.status().synced, true);
    } finally {
      await plane.resumeApiserver();
    }
    await put("after-the-pause", { a: "1" });
    await until("it follows again", () => cache.get("default/after-the-pause") !== undefined);
    assert.equal(cache.status().stale, false);
    await assertEqualToServer(cache, seen);
  });

  it("lists again when its resource version is no longer known, and tells what it missed", async () => {
    const relay = await startRelay(Number(new URL(plane.server).port));
    const access = { ...plane.access, server: `https://127.0.0.1:${relay.port}` };
    const relayed = createKubeClient({ access, userAgent: "test" });
    const { onChange, seen } = follower();
    await put("missed-deletion", { a: "1" });
    await put("re-created", { a: "1" });
    await put("kept", { a: "1" });
    const cache = startWatchCache({
      client: relayed,
      resource: configMaps,
      ...inDefault,
      project: keep,
      onChange,
      backoff: { baseMs: 50, maxMs: 500 },
    });
    caches.push(cache);
    try {
      await cache.ready(10_000);
      const oldUid = cache.get("default/re-created")?.uid;
      relay.cut();
      await until("its watch was told", () => cache.status().breaks > 0);
      await remove("missed-deletion");
      await remove("re-created");
      await put("re-created", { a: "1" });
      await put("missed-change", { a: "1" });
      await plane.compact();
      await plane.killApiserver();
      await plane.startApiserver();
      assert.ok(cache.get("default/missed-deletion") !== undefined, "without a link it keeps what it knew");
      relay.pass();
      await until("it has what it missed", () => cache.get("default/missed-change") !== undefined);
      assert.equal(cache.status().lastError?.reason, "expired");
      assert.equal(cache.status().relists, 2);
      assert.notEqual(cache.get("default/re-created")?.uid, oldUid);
      await assertEqualToServer(cache, seen);
    } finally {
      await cache.close();
      relayed.close();
      await relay.close();
    }
  });
});
