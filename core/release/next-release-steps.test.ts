import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { nextReleaseSteps, type ReleaseFacts, type TargetFacts } from "./next-release-steps.ts";
import type { ReleaseBatch } from "./plan-batches.ts";
import { stepsAfterPasses } from "./steps-after-passes.ts";

const seed = 23;
const untouched: TargetFacts = {
  clusterAnswersSinceMs: 0,
  atVersion: false,
  changedAtMs: null,
  readySinceMs: 0,
  stopped: false,
  http: null,
  passed: false,
  trouble: null,
  hostLost: null,
};
const batches: readonly ReleaseBatch[] = [
  { number: 1, canary: true, instances: ["a"], atOnce: 1, pauseAfter: true },
  { number: 2, canary: false, instances: ["b", "c", "d"], atOnce: 2, pauseAfter: false },
];
const start: ReleaseFacts = {
  nowMs: 0,
  batches,
  gates: { readyTimeoutSeconds: 60, soakSeconds: 10, http: null },
  targets: new Map(["a", "b", "c", "d"].map((name) => [name, untouched])),
  confirmedPauses: new Set(),
  frozenUntilMs: null,
  goOnWithoutCluster: false,
};
const withTargets = (
  changes: Readonly<Record<string, Partial<TargetFacts>>>,
  facts: Partial<ReleaseFacts> = {},
): ReleaseFacts => ({
  ...start,
  ...facts,
  targets: new Map([...start.targets].map(([name, target]) => [name, { ...target, ...changes[name] }])),
});

describe("the next steps of a release", () => {
  it("change the canary first and nothing else", () => {
    assert.deepEqual(nextReleaseSteps(start).steps, [{ step: "change", instance: "a" }]);
  });

  it("wait for Ready and the soak, then record the pass, then pause until somebody says to go on", () => {
    const soaking = withTargets({ a: { atVersion: true, changedAtMs: 0, readySinceMs: 1000 } }, { nowMs: 5000 });
    assert.deepEqual(nextReleaseSteps(soaking).steps, []);
    assert.equal(nextReleaseSteps(soaking).wakeAtMs, 11_000);
    assert.deepEqual(nextReleaseSteps({ ...soaking, nowMs: 11_000 }).steps, [{ step: "pass", instance: "a" }]);
    const passed = withTargets({ a: { passed: true } });
    assert.equal(nextReleaseSteps(passed).state, "paused");
    assert.deepEqual(nextReleaseSteps({ ...passed, confirmedPauses: new Set([1]) }).steps, [
      { step: "change", instance: "b" },
      { step: "change", instance: "c" },
    ]);
  });

  it("pass a batch and begin the next in one look, unless somebody has to say to go on", () => {
    const ready = { atVersion: true, changedAtMs: 0, readySinceMs: 1000 };
    const facts = withTargets({ a: ready }, { nowMs: 20_000 });
    assert.deepEqual([stepsAfterPasses(facts).passed, stepsAfterPasses(facts).progress.state], [["a"], "paused"]);
    const { passed, progress } = stepsAfterPasses({ ...facts, confirmedPauses: new Set([1]) });
    assert.deepEqual(
      [passed, progress.steps.map(({ step, instance }) => [step, instance])],
      [
        ["a"],
        [
          ["change", "b"],
          ["change", "c"],
        ],
      ],
    );
    const last = withTargets(
      { a: { passed: true }, b: ready, c: ready, d: ready },
      { nowMs: 20_000, confirmedPauses: new Set([1]) },
    );
    assert.deepEqual(
      [stepsAfterPasses(last).passed, stepsAfterPasses(last).progress.state],
      [["b", "c", "d"], "verifying"],
    );
  });

  it("ask over HTTP after the soak, again within its time, and fail with what was answered last", () => {
    const gates = { readyTimeoutSeconds: 60, soakSeconds: 1, http: { path: "/", port: 80, timeoutSeconds: 5 } };
    const at = { atVersion: true, changedAtMs: 0, readySinceMs: 1000 };
    const ask = nextReleaseSteps(withTargets({ a: at }, { gates, nowMs: 2000 }));
    assert.deepEqual(ask.steps, [{ step: "check-http", instance: "a" }]);
    const answered = { ...at, http: { atMs: 2000, passed: false, detail: "503" } };
    const waits = nextReleaseSteps(withTargets({ a: answered }, { gates, nowMs: 2001 }));
    assert.deepEqual([waits.state, waits.steps, waits.wakeAtMs], ["running", [], 3000]);
    const again = nextReleaseSteps(withTargets({ a: answered }, { gates, nowMs: 3000 }));
    assert.deepEqual(again.steps, [{ step: "check-http", instance: "a" }]);
    const last = { ...answered, http: { ...answered.http, atMs: 7000 } };
    const failed = nextReleaseSteps(withTargets({ a: last }, { gates, nowMs: 7001 }));
    assert.deepEqual(failed.failed, [{ instance: "a", reason: "HTTP check, for 5 s: 503" }]);
  });

  it("pass an instance that stands still as soon as its next start would bring the version", () => {
    const still = { stopped: true, changedAtMs: 0, readySinceMs: null };
    assert.deepEqual(nextReleaseSteps(withTargets({ a: still }, { nowMs: 1 })).steps, [
      { step: "change", instance: "a" },
    ]);
    assert.deepEqual(nextReleaseSteps(withTargets({ a: { ...still, atVersion: true } }, { nowMs: 1 })).steps, [
      { step: "pass", instance: "a" },
    ]);
  });

  it("stop a failed batch and touch no other instance, those of the same batch included", () => {
    const failed = nextReleaseSteps(
      withTargets(
        { a: { passed: true }, b: { changedAtMs: 0, trouble: "ErrImagePull" } },
        { confirmedPauses: new Set([1]) },
      ),
    );
    assert.equal(failed.state, "failed");
    assert.deepEqual(failed.steps, []);
  });

  it("do not hold an application's old trouble against the release that may mend it", () => {
    assert.deepEqual(nextReleaseSteps(withTargets({ a: { trouble: "CrashLoopBackOff", readySinceMs: null } })).steps, [
      { step: "change", instance: "a" },
    ]);
  });

  it("leave time for what a cluster's absence held up", () => {
    const at = { changedAtMs: 0, readySinceMs: null };
    assert.equal(nextReleaseSteps(withTargets({ a: at }, { nowMs: 60_000 })).state, "failed");
    const back = withTargets({ a: { ...at, clusterAnswersSinceMs: 59_000 } }, { nowMs: 60_000 });
    assert.deepEqual(nextReleaseSteps(back).steps, [{ step: "change", instance: "a" }]);
  });

  it("wait for a cluster that is away, or go on without it and never call that done", () => {
    const away = { a: { passed: true }, c: { clusterAnswersSinceMs: null }, b: { passed: true }, d: { passed: true } };
    const facts = withTargets(away, { confirmedPauses: new Set([1]) });
    assert.equal(nextReleaseSteps(facts).state, "waiting");
    const goOn = nextReleaseSteps({ ...facts, goOnWithoutCluster: true });
    assert.equal(goOn.state, "waiting");
    assert.match(goOn.reason, /all others have passed/);
  });

  it("start nothing in a freeze, and let what has begun come to its end", () => {
    const frozen = nextReleaseSteps({ ...start, frozenUntilMs: 9000 });
    assert.deepEqual([frozen.state, frozen.steps, frozen.wakeAtMs], ["waiting", [], 9000]);
    const begun = nextReleaseSteps(
      withTargets(
        { a: { passed: true }, b: { changedAtMs: 0, readySinceMs: null } },
        { confirmedPauses: new Set([1]), frozenUntilMs: 9000 },
      ),
    );
    assert.deepEqual(begun.steps, [{ step: "change", instance: "b" }]);
  });
});

/** A small world in which changes take effect or get lost, servers die between any two steps, clusters come and go. */
type World = { nowMs: number; targets: Map<string, TargetFacts>; changes: Map<string, number>; confirmed: Set<number> };

describe("a release in a world where anything may die", () => {
  const scenario = fc.record({
    sizes: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
    atOnce: fc.integer({ min: 1, max: 3 }),
    bad: fc.option(fc.nat(10), { nil: null }),
    goOn: fc.boolean(),
    dice: fc.array(fc.nat(99), { minLength: 400, maxLength: 400 }),
  });

  it("works on one batch at a time, within its bound, stops at the first failure, and is done only when all have passed", () => {
    fc.assert(
      fc.property(scenario, ({ sizes, atOnce, bad, goOn, dice }) => {
        let count = 0;
        const planned: ReleaseBatch[] = sizes.map((size, index) => ({
          number: index + 1,
          canary: index === 0,
          instances: Array.from({ length: size }, () => `i${count++}`),
          atOnce,
          pauseAfter: index === 0,
        }));
        const names = planned.flatMap(({ instances }) => instances);
        const world: World = {
          nowMs: 0,
          targets: new Map(names.map((name) => [name, untouched])),
          changes: new Map(),
          confirmed: new Set(),
        };
        const set = (name: string, part: Partial<TargetFacts>) =>
          world.targets.set(name, { ...(world.targets.get(name) ?? untouched), ...part });
        const badName = bad === null ? null : (names[bad] ?? null);
        let last = null;
        for (const die of dice) {
          world.nowMs += 500;
          const progress = nextReleaseSteps({
            nowMs: world.nowMs,
            batches: planned,
            gates: { readyTimeoutSeconds: 600, soakSeconds: 1, http: null },
            targets: world.targets,
            confirmedPauses: world.confirmed,
            frozenUntilMs: null,
            goOnWithoutCluster: goOn,
          });
          last = progress;
          if (progress.state === "failed") {
            assert.deepEqual(progress.steps, []);
            assert.deepEqual(
              progress.failed.map(({ instance }) => instance),
              [badName],
            );
            break;
          }
          if (progress.state === "verifying") break;
          if (progress.state === "paused") {
            world.confirmed.add(progress.batch ?? 0);
            continue;
          }
          const batch = planned.find(({ number }) => number === progress.batch);
          for (const { step, instance } of progress.steps) {
            assert.ok(batch?.instances.includes(instance), "a step outside the batch that is worked on");
            if (step === "pass") {
              if (die >= 10) set(instance, { passed: true });
              continue;
            }
            assert.equal(world.targets.get(instance)?.atVersion, false, "changed again although it is at the version");
            // The row first, then the cluster: a server may die before either.
            if (die < 10) continue;
            if (world.targets.get(instance)?.changedAtMs === null) set(instance, { changedAtMs: world.nowMs });
            if (die < 20) continue;
            world.changes.set(instance, (world.changes.get(instance) ?? 0) + 1);
            set(instance, {
              atVersion: true,
              readySinceMs: null,
              trouble: instance === badName ? "ErrImagePull" : null,
            });
          }
          const changing = [...world.targets.values()].filter(
            ({ changedAtMs, readySinceMs, atVersion, clusterAnswersSinceMs }) =>
              changedAtMs !== null && clusterAnswersSinceMs !== null && (readySinceMs === null || !atVersion),
          );
          // An instance that a cluster's return brings back may come on top of what was begun meanwhile.
          if (!goOn) assert.ok(changing.length <= atOnce, `${changing.length} at once`);
          for (const [name, target] of world.targets) {
            if (target.atVersion && target.readySinceMs === null && target.trouble === null && die % 3 === 0) {
              set(name, { readySinceMs: world.nowMs });
            }
          }
          if (goOn && die === 50) for (const name of names.slice(0, 2)) set(name, { clusterAnswersSinceMs: null });
          for (const [name, target] of world.targets) {
            const back = goOn && die > 60 && target.clusterAnswersSinceMs === null;
            if (back) set(name, { clusterAnswersSinceMs: world.nowMs });
          }
        }
        if (last?.state === "verifying") {
          assert.ok([...world.targets.values()].every(({ passed }) => passed));
          assert.ok(
            [...world.changes.values()].every((times) => times === 1),
            "something was done twice",
          );
          assert.equal(world.changes.size, names.length);
        } else {
          assert.equal(last?.state, "failed");
          assert.ok(badName !== null);
        }
        const begun = planned.filter(({ instances }) => instances.some((name) => world.changes.has(name)));
        if (badName !== null && !goOn) {
          const failedBatch = planned.find(({ instances }) => instances.includes(badName));
          assert.ok(
            begun.every(({ number }) => number <= (failedBatch?.number ?? 0)),
            "a later batch was touched",
          );
        }
      }),
      { seed, numRuns: 300 },
    );
  });
});
