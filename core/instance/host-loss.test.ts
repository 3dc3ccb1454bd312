import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { hostHealth, type HostHealth } from "./host-health.ts";
import { nextMoveStep, silence, type MoveFacts } from "./next-move-step.ts";
import { observeInstance, type InstanceFacts } from "./observe-instance.ts";
import { instanceStates, transitionProblem } from "./instance-state.ts";
import { planRecovery } from "./recover-plan.ts";

const seed = 13;
const lost: HostHealth = { state: "lost", reason: "silent" };
const up: HostHealth = { state: "up", reason: "well" };

describe("a host", () => {
  const node = { ready: false, silent: true, reason: "Kubelet stopped posting node status." };

  it("is lost when its kubelet is silent or its Node is gone, with the reason", () => {
    assert.equal(hostHealth({ clusterAnswers: true, node: { ready: true, silent: false, reason: null } }).state, "up");
    assert.deepEqual(hostHealth({ clusterAnswers: true, node }), { state: "lost", reason: node.reason });
    assert.match(hostHealth({ clusterAnswers: true, node: null }).reason, /Node object is gone/);
  });

  it("is not lost because its cluster is away", () => {
    assert.equal(hostHealth({ clusterAnswers: false, node }).state, "unknown");
  });

  it("is unhealthy, not lost, when its kubelet speaks and reports trouble", () => {
    const full = { ready: false, silent: false, reason: "disk is full" };
    assert.deepEqual(hostHealth({ clusterAnswers: true, node: full }), { state: "unhealthy", reason: "disk is full" });
  });
});

describe("a move off a lost host", () => {
  const start: MoveFacts = {
    nowMs: 0,
    oldHost: lost,
    oldPodUid: "old",
    fenced: false,
    probes: [],
    podUid: "old",
    boundToNewHost: false,
    newPodReady: false,
  };

  it("fences, finds the address silent, binds, deletes the old pod, waits for the new one, in this order", () => {
    let facts = start;
    const steps: string[] = [];
    for (let turn = 0; turn < 30; turn += 1) {
      const next = nextMoveStep(facts);
      if (steps.at(-1) !== next.step) steps.push(next.step);
      if (next.step === "done") break;
      facts = { ...facts, nowMs: facts.nowMs + 500 };
      if (next.step === "fence") facts = { ...facts, fenced: true };
      if (next.step === "probe") {
        facts = { ...facts, probes: [...facts.probes, { atMs: facts.nowMs, answeredBy: null }] };
      }
      if (next.step === "bind") facts = { ...facts, boundToNewHost: true };
      if (next.step === "delete-old-pod") facts = { ...facts, podUid: "new", newPodReady: true };
    }
    assert.deepEqual(steps, ["fence", "probe", "wait", "probe", "wait", "probe", "bind", "delete-old-pod", "done"]);
  });

  it("ends when the address answers or the host is back before the instance is bound, and waits while the cluster is away", () => {
    const fenced = { ...start, fenced: true };
    const answered = nextMoveStep({ ...fenced, probes: [{ atMs: 0, answeredBy: "02:57:0a:00:00:01" }] });
    assert.equal(answered.step, "give-up");
    assert.match(answered.reason, /02:57:0a:00:00:01/);
    assert.equal(nextMoveStep({ ...fenced, oldHost: up }).step, "give-up");
    assert.equal(nextMoveStep({ ...fenced, oldHost: { state: "unknown", reason: "away" } }).step, "wait");
    assert.equal(nextMoveStep({ ...fenced, oldHost: up, boundToNewHost: true }).step, "delete-old-pod");
  });

  it("never binds without a fence, a lost host and a fresh silence, whatever is seen", () => {
    const facts = fc.record({
      nowMs: fc.integer({ min: 0, max: 30_000 }),
      oldHost: fc.constantFrom(lost, up),
      oldPodUid: fc.constant("old"),
      fenced: fc.boolean(),
      probes: fc.array(
        fc.record({ atMs: fc.integer({ min: 0, max: 30_000 }), answeredBy: fc.option(fc.constant("m"), { freq: 9 }) }),
        { maxLength: 5 },
      ),
      podUid: fc.constantFrom("old", "new", null),
      boundToNewHost: fc.boolean(),
      newPodReady: fc.boolean(),
    });
    fc.assert(
      fc.property(facts, (seen) => {
        const probes = seen.probes.toSorted((a, b) => a.atMs - b.atMs);
        if (nextMoveStep({ ...seen, probes }).step !== "bind") return;
        assert.ok(seen.fenced && seen.oldHost.state === "lost");
        assert.ok(probes.length >= silence.probes && probes.every(({ answeredBy }) => answeredBy === null));
      }),
      { seed, numRuns: 5000 },
    );
  });
});

describe("the plan to recover a host", () => {
  const candidate = fc.record({
    instance: fc.stringMatching(/^[a-z]{1,6}$/),
    importance: fc.constantFrom("A" as const, "B" as const, "C" as const, "D" as const),
    destination: fc.oneof(
      fc.record({ host: fc.constantFrom("h2", "h3") }),
      fc.record({ refusal: fc.constant("no room in the rack") }),
    ),
  });

  it("moves or names every instance once, within the budget, whatever the order it is given", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(candidate, { selector: ({ instance }) => instance, maxLength: 40 }),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 4 }),
        (candidates, instancesPerBatch, instancesPerHost) => {
          const budget = { instancesPerBatch, instancesPerHost };
          const plan = planRecovery({ host: "h1", candidates, budget });
          assert.deepEqual(plan, planRecovery({ host: "h1", candidates: candidates.toReversed(), budget }));
          const named = [...plan.batches.flat(), ...plan.left].map(({ instance }) => instance);
          assert.deepEqual(named.toSorted(), candidates.map(({ instance }) => instance).toSorted());
          for (const batch of plan.batches) {
            assert.ok(batch.length > 0 && batch.length <= instancesPerBatch);
            for (const host of ["h2", "h3"]) {
              assert.ok(batch.filter(({ toHost }) => toHost === host).length <= instancesPerHost);
            }
          }
        },
      ),
      { seed, numRuns: 500 },
    );
  });
});

describe("the state of an instance", () => {
  const pod = {
    uid: "p",
    resourceVersion: "1",
    hostName: "h1",
    labels: {},
    annotations: {},
    spec: {},
    unscheduledMessage: null,
    refused: false,
    containerId: null,
    readySinceMs: null,
    runningDigest: null,
    waitingMessage: null,
  };
  const facts = fc.record({
    wish: fc.constantFrom("run" as const, "stop" as const, "retire" as const),
    state: fc.constantFrom(...instanceStates),
    clusterAnswers: fc.boolean(),
    statefulSet: fc.option(fc.constant({ uid: "s", labels: {}, annotations: {}, spec: {} })),
    pod: fc.option(
      fc
        .record({
          deleting: fc.boolean(),
          scheduled: fc.boolean(),
          running: fc.boolean(),
          ready: fc.boolean(),
          everReady: fc.boolean(),
          restarts: fc.nat(3),
          waitingReason: fc.option(fc.constant("CrashLoopBackOff")),
          lastExit: fc.option(fc.constant({ code: 1, reason: "Error" })),
        })
        .map((part) => ({ ...pod, ...part })),
    ),
    host: fc.constantFrom(lost, up, { state: "unknown" as const, reason: "away" }),
    moving: fc.boolean(),
  }) satisfies fc.Arbitrary<InstanceFacts>;

  it("goes only where it may go, from whatever state and whatever is seen, and twice is once", () => {
    fc.assert(
      fc.property(facts, (seen) => {
        // The wish to retire moves an instance to `retiring` in the transaction that records it.
        const from = seen.wish === "retire" && seen.state !== "retired" ? "retiring" : seen.state;
        if (from === "retiring" && seen.wish !== "retire") return;
        const first = observeInstance({ ...seen, state: from });
        assert.equal(transitionProblem(from, first.state), null);
        assert.deepEqual(observeInstance({ ...seen, state: first.state }).state, first.state);
        assert.ok(first.reason.length > 0);
      }),
      { seed, numRuns: 5000 },
    );
  });
});
