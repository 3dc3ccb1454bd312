import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { podName, type LivePod, type LiveStatefulSet } from "@wcs/core/instance";
import type { KubeClient } from "@wcs/kube";
import type { SeenInstance } from "./neighbours.ts";
import { createInstanceReader } from "./read-instance.ts";

const instance = "1001-1c1-01";
const at = { cluster: "c1", namespace: "wcs-retail", instance, isMeantToRun: true };
const { signal } = new AbortController();
const statefulSet: LiveStatefulSet = { uid: "s", labels: {}, annotations: {}, spec: {} };
const pod = (uid: string, deleting = false) => ({ uid, deleting }) as LivePod;

/** A cluster that is asked rarely: how often is counted; its watches tell what the test sets. */
function cluster() {
  const state = { nowMs: 0, asked: 0, seen: null as SeenInstance | null };
  const client = {
    find: async (_: unknown, target: { name: string }) => {
      if (target.name === podName(instance)) state.asked += 1;
      return null;
    },
  } as unknown as KubeClient;
  const reader = createInstanceReader({ seen: () => state.seen }, () => state.nowMs);
  const tell = (live: SeenInstance["live"], version = "10") => {
    state.seen = { live, statefulSetsAt: version, podsAt: version };
  };
  return { state, reader, tell, read: (place = at) => reader.read(client, place, signal) };
}

describe("what is read of an instance", () => {
  it("is what the watches told while they are current, and else what the API server says", async () => {
    const { state, tell, read } = cluster();
    tell({ statefulSet, pod: pod("p") });
    assert.deepEqual(await read(), { statefulSet, pod: pod("p") });
    assert.equal(state.asked, 0);
    state.seen = null;
    assert.deepEqual(await read(), { statefulSet: null, pod: null });
    assert.equal(state.asked, 1);
  });

  it("is nothing until the watches have told of this server's own write, and then it is asked for", async () => {
    const { state, reader, tell, read } = cluster();
    tell({ statefulSet, pod: pod("p") });
    reader.wrote(instance, { statefulSet: "12", pod: "13" });
    assert.equal(await read(), null);
    tell({ statefulSet, pod: pod("p") }, "12");
    assert.equal(await read(), null, "the pod's write is not told of yet");
    state.nowMs += 10_000;
    assert.deepEqual(await read(), { statefulSet: null, pod: null });
    assert.equal(state.asked, 1);
    reader.wrote(instance, { pod: "20" });
    tell({ statefulSet, pod: pod("p") }, "100");
    assert.notEqual(await read(), null, "versions are numbers, not texts");
    assert.equal(state.asked, 1);
  });

  it("is nothing while a pod that was told to go is still told of as if it stayed", async () => {
    const { reader, tell, read } = cluster();
    tell({ statefulSet, pod: pod("p") });
    reader.wrote(instance, { deletedPod: "p" });
    assert.equal(await read(), null);
    tell({ statefulSet, pod: pod("p", true) });
    assert.notEqual(await read(), null);
    reader.wrote(instance, { deletedPod: "p" });
    tell({ statefulSet, pod: pod("q") });
    assert.notEqual(await read(), null);
  });

  it("is asked for more and more seldom while a pod is missing, which the watch cannot tell from one without its label", async () => {
    const { state, reader, tell, read } = cluster();
    tell({ statefulSet, pod: null });
    await read();
    assert.equal(state.asked, 0);
    const waits: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      const waitMs = reader.missingPodDueMs(instance) ?? assert.fail();
      waits.push(waitMs);
      state.nowMs += waitMs;
      await read();
      assert.equal(state.asked, round + 1);
    }
    assert.deepEqual(waits, [2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    await read({ ...at, isMeantToRun: false });
    assert.equal(reader.missingPodDueMs(instance), null, "one that is to stand still is not missed");
  });

  it("is asked for after somebody else's write was in the way", async () => {
    const { state, reader, tell, read } = cluster();
    tell({ statefulSet, pod: pod("p") });
    reader.distrust(instance);
    await read();
    await read();
    assert.equal(state.asked, 1);
  });
});
