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
    assert.equal(
      hostHealth({ clusterAnswersForMs: 60_000, node: { ready: true, silent: false, reason: null } }).state,
      "up",
    );
    assert.deepEqual(hostHealth({ clusterAnswersForMs: 60_000, node }), { state: "lost", reason: node.reason });
    assert.match(hostHealth({ clusterAnswersForMs: 60_000, node: null }).reason, /Node object is gone/);
  });

  it("is not lost because its cluster was away until a moment ago", () => {
    assert.equal(hostHealth({ clusterAnswersForMs: 5_000, node }).state, "unknown");
    assert.equal(hostHealth({ clusterAnswersForMs: 20_000, node }).state, "lost");
  });

  it("is not lost because its cluster is away", () => {
    assert.equal(hostHealth({ clusterAnswersForMs: null, node }).state, "unknown");
  });

  it("is unhealthy, not lost, when its kubelet speaks and reports trouble", () => {
    const full = { ready: false, silent: false, reason: "disk is full" };
    assert.deepEqual(hostHealth({ clusterAnswersForMs: 60_000, node: full }), {
      state: "unhealthy",
      reason: "disk is full",
    });
  });
});

describe("a move off a lost host", () => {
  const start: MoveFacts = {
    nowMs: 0,
    oldHost: lost,
    probes: [],
    bound: false,
    fenced: false,
    oldObjects: "there",
    arrived: false,
    dueMs: null,
  };

  it("finds the address silent, binds, fences, clears the old host, waits for the new pod, in this order", () => {
    let facts = start;
    const steps: string[] = [];
    for (let turn = 0; turn < 30; turn += 1) {
      const next = nextMoveStep(facts);
      if (steps.at(-1) !== next.step) steps.push(next.step);
      if (next.step === "done") break;
      if (next.step === "wait" && facts.bound) facts = { ...facts, arrived: true };
      facts = { ...facts, nowMs: facts.nowMs + 500 };
      if (next.step === "probe") {
        facts = { ...facts, probes: [...facts.probes, { atMs: facts.nowMs, answeredBy: null }] };
      }
      if (next.step === "bind") facts = { ...facts, bound: true, dueMs: facts.nowMs + 60_000 };
      if (next.step === "fence") facts = { ...facts, fenced: true };
      if (next.step === "clear") facts = { ...facts, oldObjects: "gone" };
    }
    const expected = ["probe", "wait", "probe", "wait", "probe", "bind", "fence", "clear", "wait", "done"];
    assert.deepEqual(steps, expected);
  });

  it("ends untouched when the address answers or the host is back before it is decided, and waits while the cluster is away", () => {
    const answered = nextMoveStep({ ...start, probes: [{ atMs: 0, answeredBy: "02:57:0a:00:00:01" }] });
    assert.equal(answered.step, "give-up");
    assert.match(answered.reason, /still answers.*02:57:0a:00:00:01/);
    assert.equal(nextMoveStep({ ...start, oldHost: up }).step, "give-up");
    assert.equal(nextMoveStep({ ...start, oldHost: { state: "unknown", reason: "away" } }).step, "wait");
    assert.equal(nextMoveStep({ ...start, oldHost: up, bound: true }).step, "fence");
  });

  it("fails when the new pod is not Ready in time", () => {
    const late = { ...start, bound: true, fenced: true, oldObjects: "gone" as const, nowMs: 2, dueMs: 1 };
    assert.equal(nextMoveStep(late).step, "fail");
  });

  it("never binds without a lost host and a fresh silence, and clears nothing without a fence, whatever is seen", () => {
    const facts: fc.Arbitrary<MoveFacts> = fc.record({
      nowMs: fc.integer({ min: 0, max: 30_000 }),
      oldHost: fc.constantFrom(lost, up),
      probes: fc
        .array(
          fc.record({
            atMs: fc.integer({ min: 0, max: 30_000 }),
            answeredBy: fc.option(fc.constant("m"), { freq: 9 }),
          }),
          { maxLength: 8 },
        )
        .map((probes) => probes.toSorted((a, b) => a.atMs - b.atMs)),
      bound: fc.boolean(),
      fenced: fc.boolean(),
      oldObjects: fc.constantFrom("gone" as const, "there" as const, "unknown" as const),
      arrived: fc.boolean(),
      dueMs: fc.constantFrom(null, 1_000),
    });
    fc.assert(
      fc.property(facts, (seen) => {
        const { step } = nextMoveStep(seen);
        if (step === "bind") {
          assert.ok(!seen.bound && seen.oldHost.state === "lost");
          const fresh = seen.probes.filter(({ atMs }) => seen.nowMs - atMs <= silence.freshMs);
          assert.ok(fresh.length >= silence.probes && seen.probes.every(({ answeredBy }) => answeredBy === null));
        }
        if (step === "clear" || step === "done") assert.ok(seen.bound && seen.fenced);
        if (step === "give-up") assert.ok(!seen.bound, "what is decided is carried out");
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
          resizeProblem: fc.constant(null),
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
