import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { podRoom } from "./pod-room.ts";
import { quantityOf } from "./quantity.ts";

const container = (name: string, cpu: string, memory: string, more: object = {}) => ({
  name,
  resources: { requests: { cpu, memory } },
  ...more,
});

describe("what a pod requests of its node", () => {
  it("is the sum of its containers, rounded up, with the runtime's overhead", () => {
    const containers = [container("a", "100m", "128Mi"), container("b", "0.25", "100M")];
    const overhead = { cpu: "10m", memory: "1Mi" };
    assert.deepEqual(podRoom({ spec: { nodeName: "h1", containers, overhead } }), {
      node: "h1",
      cpuMilli: 360,
      memoryMiB: 225,
      diskGiB: 0,
    });
  });

  it("counts a sidecar beside the containers, and an init container only where it needs more than they do", () => {
    const containers = [container("a", "100m", "100Mi")];
    const initContainers = [
      container("sidecar", "50m", "50Mi", { restartPolicy: "Always" }),
      container("init", "300m", "10Mi"),
    ];
    const { cpuMilli, memoryMiB } = podRoom({ spec: { containers, initContainers } });
    assert.deepEqual([cpuMilli, memoryMiB], [350, 150]);
  });

  it("takes what is asked for of the whole pod before the containers' sum, and what a resize still holds before what it wants", () => {
    const containers = [container("a", "100m", "100Mi")];
    assert.equal(podRoom({ spec: { containers, resources: { requests: { cpu: "1" } } } }).cpuMilli, 1000);
    const containerStatuses = [{ name: "a", allocatedResources: { cpu: "200m" } }];
    assert.equal(podRoom({ spec: { containers }, status: { containerStatuses } }).cpuMilli, 200);
  });

  it("is nothing for a pod that requests nothing", () => {
    assert.deepEqual(podRoom({ spec: { nodeName: "h1", containers: [{ name: "a" }] } }).cpuMilli, 0);
  });
});

describe("a quantity", () => {
  it("is read as Kubernetes writes it", () => {
    const milli = (text: string) => quantityOf(text, 1e-3);
    assert.deepEqual(["1", "100m", "1.5", "2k", "1e3", "1500u"].map(milli), [1000, 100, 1500, 2e6, 1e6, 1.5]);
    const mebi = (text: string) => quantityOf(text, 2 ** 20);
    assert.deepEqual(["1Gi", "1048576", "32780Ki"].map(mebi), [1024, 1, 32.011719]);
  });

  it("that is none is refused", () => {
    for (const text of ["", "1x", "m", "1.2.3", "1 Gi"]) assert.throws(() => quantityOf(text, 1), TypeError);
  });
});
