import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { classifyChange } from "./classify-change.ts";
import { classifyDrift } from "./classify-drift.ts";
import { designs, usualDesign } from "./testing/instance-design.ts";
import { instanceManifests, type InstanceDesign, type InstanceManifests } from "./instance-manifest.ts";
import type { LivePod, LiveStatefulSet } from "./live-objects.ts";

const seed = 9;
const usual = instanceManifests(usualDesign);
const changed = (part: Partial<InstanceDesign>) =>
  classifyChange(usual, instanceManifests({ ...usualDesign, ...part }));
const inTemplate = (part: Partial<InstanceDesign["template"]>) =>
  changed({ template: { ...usualDesign.template, ...part } });

/** As the API server gives an object back: without what is empty, with a field that it fills in. */
function omitEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(omitEmpty);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([, member]) => member !== "" && !isEmpty(member));
  return Object.fromEntries(kept.map(([key, member]) => [key, omitEmpty(member)]));
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function liveOf(meant: InstanceManifests): { statefulSet: LiveStatefulSet; pod: LivePod } {
  const template = omitEmpty(meant.podTemplate) as InstanceManifests["podTemplate"];
  return {
    statefulSet: {
      uid: "s",
      labels: meant.statefulSet.metadata.labels,
      annotations: meant.statefulSet.metadata.annotations ?? {},
      spec: { ...(omitEmpty(meant.statefulSet["spec"]) as object), persistentVolumeClaimRetentionPolicy: {} },
    },
    pod: {
      uid: "p",
      resourceVersion: "1",
      hostName: "idc1-r1-h1",
      labels: { ...template.metadata.labels, "controller-revision-hash": "x" },
      annotations: template.metadata.annotations,
      spec: { ...template.spec, nodeName: "idc1-r1-h1", schedulerName: "default-scheduler" },
      deleting: false,
      scheduled: true,
      unscheduledMessage: null,
      refused: false,
      running: true,
      ready: true,
      containerId: null,
      readySinceMs: 0,
      everReady: true,
      restarts: 0,
      runningDigest: null,
      waitingReason: null,
      waitingMessage: null,
      lastExit: null,
      resizeProblem: null,
    },
  };
}

describe("a change of an instance", () => {
  it("is made in place when only the image or metadata differ", () => {
    assert.equal(changed({ release: "r-2" }).effect, "none");
    const image = changed({ imageDigest: `sha256:${"b".repeat(64)}`, release: "r-2" });
    assert.equal(image.effect, "in-place");
    assert.deepEqual(
      image.steps.map(({ path }) => path),
      ["template.spec.containers[app].image"],
    );
    assert.equal(inTemplate({ labels: { tier: "web" } }).effect, "in-place");
  });

  it("resizes in place, stops and starts in place", () => {
    assert.equal(changed({ class: { name: "4C8G", cpuMilli: 4000, memoryMiB: 8192 } }).effect, "in-place");
    assert.equal(changed({ running: false }).effect, "in-place");
  });

  it("makes the pod anew for what Kubernetes cannot change, and names each such thing", () => {
    const change = inTemplate({ environment: { MODE: "batch" }, gracefulStop: { seconds: 60 } });
    assert.equal(change.effect, "re-create");
    assert.deepEqual(
      change.steps.map(({ path, effect }) => [path, effect]),
      [
        ["template.spec.containers[app].env[MODE].value", "re-create"],
        ["template.spec.terminationGracePeriodSeconds", "re-create"],
      ],
    );
    assert.equal(inTemplate({ files: [{ path: "/opt/app/app.conf", content: "threads=9\n" }] }).effect, "re-create");
    assert.equal(changed({ class: { name: "d", cpuMilli: 2000, memoryMiB: 4096, diskMiB: 100 } }).effect, "re-create");
  });

  it("may not change host or addresses in a release, and the host only in a move", () => {
    const anew = { ...usualDesign.network, generation: 2 };
    const [nic] = usualDesign.network.nics;
    assert.ok(nic);
    const other = { ...anew, nics: [{ ...nic, address: "10.71.1.101/24", mac: "02:57:0a:47:01:65" }] };
    assert.equal(changed({ network: anew }).effect, "forbidden");
    const elsewhere = instanceManifests({ ...usualDesign, host: "idc1-r1-h2", network: anew });
    const readdressed = instanceManifests({ ...usualDesign, host: "idc1-r1-h2", network: other });
    assert.equal(classifyChange(usual, readdressed, "move").effect, "forbidden");
    assert.equal(classifyChange(usual, elsewhere).effect, "forbidden");
    assert.equal(classifyChange(usual, elsewhere, "move").effect, "re-create");
    assert.equal(changed({ namespace: "other" }).effect, "forbidden");
  });

  it("is none exactly when the versions are equal and it runs as before, and is never forbidden on one host", () => {
    fc.assert(
      fc.property(designs, designs, (a, b) => {
        const from = instanceManifests(a);
        const to = instanceManifests(b);
        const change = classifyChange(from, to);
        assert.notEqual(change.effect, "forbidden", JSON.stringify(change.steps));
        assert.equal(change.effect === "none", from.version === to.version && a.running === b.running);
        assert.equal(classifyChange(from, from).effect, "none");
      }),
      { seed, numRuns: 300 },
    );
  });
});

describe("drift", () => {
  it("is none when what is there is what was meant, with what Kubernetes adds", () => {
    fc.assert(
      fc.property(designs, (design) => {
        const meant = instanceManifests(design);
        assert.deepEqual(classifyDrift({ meant, ...liveOf(meant), atWork: false }), []);
      }),
      { seed, numRuns: 200 },
    );
  });

  const live = liveOf(usual);
  const driftOf = (part: { statefulSet?: LiveStatefulSet | null; pod?: Partial<LivePod> | null }) =>
    classifyDrift({
      meant: usual,
      statefulSet: part.statefulSet === undefined ? live.statefulSet : part.statefulSet,
      pod: part.pod === null ? null : { ...live.pod, ...part.pod },
      atWork: false,
    }).map(({ action, object, path }) => `${action} ${object} ${path}`);

  it("makes a StatefulSet again that is gone, and leaves a missing pod to it", () => {
    assert.deepEqual(driftOf({ statefulSet: null }), ["put-right StatefulSet "]);
    assert.deepEqual(driftOf({ pod: null }), []);
  });

  it("puts a label and a replica count right that were changed by hand", () => {
    assert.deepEqual(driftOf({ pod: { labels: { ...live.pod.labels, "wcs.io/dcn": "9Z9" } } }), [
      "put-right Pod metadata.labels.wcs.io/dcn",
    ]);
    const scaled = { ...live.statefulSet, spec: { ...(live.statefulSet.spec as object), replicas: 3 } };
    assert.deepEqual(driftOf({ statefulSet: scaled }), ["put-right StatefulSet spec.replicas"]);
  });

  it("puts an image right that was patched by hand, and only reports what would need a new pod", () => {
    const spec = structuredClone(live.pod.spec) as { containers: Record<string, unknown>[]; tolerations: unknown };
    const [container] = spec.containers;
    assert.ok(container);
    container["image"] = "other";
    spec.containers.push({ name: "debug" });
    spec.tolerations = [];
    assert.deepEqual(driftOf({ pod: { spec } }), [
      "put-right Pod spec.containers[app].image",
      "report Pod spec.tolerations[0]",
      "report Pod spec.tolerations[1]",
      "report Pod spec.containers[debug]",
    ]);
  });

  it("says nothing of a pod that a release is working on", () => {
    const pod = { ...live.pod, labels: {} };
    assert.deepEqual(classifyDrift({ meant: usual, statefulSet: live.statefulSet, pod, atWork: true }), []);
  });
});
