import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import {
  actOnRelease,
  approvalProblem,
  checkFreezeWindow,
  confirmProblem,
  defaultStrategy,
  explainFailure,
  frozenAt,
  isApproved,
  missingForChange,
  planBatches,
  productionRules,
  releaseActions,
  releaseStates,
  rollbackTargets,
  type BatchStrategy,
  type FreezeWindow,
} from "./index.ts";

const seed = 29;

describe("the batches of a release", () => {
  const targets = fc
    .uniqueArray(fc.tuple(fc.constantFrom("1C1", "1C2", "2C1", "AD1"), fc.nat(12)), {
      selector: ([dcn, number]) => `${dcn}-${number}`,
      minLength: 1,
      maxLength: 40,
    })
    .map((list) =>
      list.map(([dcn, number]) => ({
        instance: `${dcn}-${number}`.toLowerCase(),
        dcn,
        dcnGroup: dcn.slice(0, 2),
        cluster: "k1",
      })),
    );
  const strategies: fc.Arbitrary<BatchStrategy> = fc.record({
    canary: fc.oneof(fc.constant(null), fc.record({ instances: fc.integer({ min: 1, max: 3 }) })),
    batch: fc.oneof(
      fc.record({ instances: fc.integer({ min: 1, max: 12 }) }),
      fc.record({ dcnAtOnce: fc.integer({ min: 1, max: 5 }) }),
    ),
    groupTogether: fc.boolean(),
    dcnSharePercent: fc.integer({ min: 1, max: 100 }),
    pauseAfter: fc.constantFrom("none" as const, "canary" as const, "every" as const, [2]),
  });

  it("hold every instance once, never two DCNs of a group, never more of a DCN than its share, whatever the order", () => {
    fc.assert(
      fc.property(targets, strategies, (chosen, strategy) => {
        const planned = planBatches(chosen, strategy);
        assert.ok("batches" in planned);
        assert.deepEqual(planned, planBatches(chosen.toReversed(), strategy));
        const { batches } = planned;
        assert.deepEqual(
          batches.flatMap(({ instances }) => instances).toSorted(),
          chosen.map(({ instance }) => instance).toSorted(),
        );
        for (const batch of batches) {
          assert.ok(batch.instances.length > 0 && batch.atOnce >= 1);
          const members = chosen.filter(({ instance }) => batch.instances.includes(instance));
          for (const [, group] of Map.groupBy(members, ({ dcnGroup }) => dcnGroup)) {
            if (!strategy.groupTogether) assert.equal(new Set(group.map(({ dcn }) => dcn)).size, 1);
          }
          for (const [dcn, ofDcn] of Map.groupBy(members, ({ dcn }) => dcn)) {
            const all = chosen.filter((target) => target.dcn === dcn).length;
            assert.ok(Math.min(ofDcn.length, batch.atOnce) <= Math.ceil((all * strategy.dcnSharePercent) / 100));
          }
        }
        assert.equal(batches.at(-1)?.pauseAfter, false);
      }),
      { seed, numRuns: 1000 },
    );
  });

  it("begin with the canary and pause after it by default", () => {
    const chosen = ["1C1", "1C2"].flatMap((dcn) =>
      [1, 2].map((number) => ({ instance: `${dcn}-${number}`, dcn, dcnGroup: "1C", cluster: "k1" })),
    );
    const planned = planBatches(chosen, defaultStrategy);
    assert.ok("batches" in planned);
    assert.deepEqual(
      planned.batches.map(({ instances, pauseAfter }) => [instances, pauseAfter]),
      [
        [["1C1-1"], true],
        [["1C1-2"], false],
        [["1C2-1"], false],
        [["1C2-2"], false],
      ],
    );
  });

  it("are refused with the reason", () => {
    const one = [{ instance: "a", dcn: "1C1", dcnGroup: "1C", cluster: "k" }];
    for (const [chosen, change, problem] of [
      [[], {}, /no instance/],
      [[...one, ...one], {}, /twice/],
      [one, { canary: { dcn: "9Z9" } }, /canary DCN 9Z9/],
      [one, { batch: { instances: 0 } }, /a batch of 0/],
      [one, { dcnSharePercent: 0 }, /dcnSharePercent/],
    ] as const) {
      const planned = planBatches(chosen, { ...defaultStrategy, ...change });
      assert.ok("problem" in planned);
      assert.match(planned.problem, problem);
    }
  });
});

describe("a release's state", () => {
  it("follows actions or names those that are possible", () => {
    assert.deepEqual(actOnRelease("paused", "continue"), { state: "running" });
    const refused = actOnRelease("done", "continue");
    assert.ok("problem" in refused && /roll-back/.test(refused.problem));
    for (const state of releaseStates) {
      for (const action of releaseActions) {
        const next = actOnRelease(state, action);
        if ("state" in next) assert.ok(releaseStates.includes(next.state));
      }
    }
  });
});

describe("a freeze window", () => {
  const at = (text: string) => Temporal.Instant.from(text).epochMilliseconds;
  const nightly: FreezeWindow = {
    name: "nights",
    environments: ["production"],
    timeZone: "Europe/Berlin",
    when: { days: [6], fromTime: "22:00", toTime: "06:00" },
  };
  const frozen = (window: FreezeWindow, time: string, environment = "production") =>
    frozenAt({ windows: [window], environment, atMs: at(time) });

  it("holds over midnight, by its own clock, in its environments only", () => {
    assert.notEqual(frozen(nightly, "2026-11-28T21:00:00Z"), null);
    assert.equal(frozen(nightly, "2026-11-28T20:59:59Z"), null);
    assert.equal(frozen(nightly, "2026-11-29T04:59:59Z")?.untilMs, at("2026-11-29T05:00:00Z"));
    assert.equal(frozen(nightly, "2026-11-29T05:00:00Z"), null);
    assert.equal(frozen(nightly, "2026-11-28T21:00:00Z", "uat"), null);
  });

  it("is an hour longer in the night that clocks are put back, and an hour shorter when they are put forward", () => {
    assert.equal(frozen(nightly, "2026-10-25T04:30:00Z")?.untilMs, at("2026-10-25T05:00:00Z"));
    assert.equal(frozen(nightly, "2026-03-29T03:59:00Z")?.untilMs, at("2026-03-29T04:00:00Z"));
  });

  it("takes the wider reading of a local time that comes twice or not at all", () => {
    const once = (from: string, to: string): FreezeWindow => ({ ...nightly, when: { from, to } });
    const twice = once("2026-10-25T02:30", "2026-10-25T02:45");
    assert.notEqual(frozen(twice, "2026-10-25T00:30:00Z"), null);
    assert.notEqual(frozen(twice, "2026-10-25T01:44:00Z"), null);
    const never = once("2026-03-29T02:15", "2026-03-29T02:45");
    assert.notEqual(frozen(never, "2026-03-29T00:30:00Z"), null);
    assert.notEqual(frozen(never, "2026-03-29T01:44:00Z"), null);
  });

  it("agrees with a walk over the local clock, minute by minute", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("Europe/Berlin", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe"),
        fc.integer({ min: at("2026-01-01T00:00:00Z") / 60_000, max: at("2027-01-01T00:00:00Z") / 60_000 }),
        fc.integer({ min: 0, max: 23 }),
        fc.integer({ min: 0, max: 23 }),
        fc.subarray([1, 2, 3, 4, 5, 6, 7], { minLength: 1 }),
        (timeZone, minute, fromHour, toHour, days) => {
          const clock = (hour: number) => `${String(hour).padStart(2, "0")}:00`;
          const window: FreezeWindow = {
            ...nightly,
            timeZone,
            when: { days, fromTime: clock(fromHour), toTime: clock(toHour) },
          };
          const local = Temporal.Instant.fromEpochMilliseconds(minute * 60_000).toZonedDateTimeISO(timeZone);
          // Within three hours of a clock change the wider reading differs on purpose.
          if (local.add({ hours: 3 }).offset !== local.subtract({ hours: 3 }).offset) return;
          const today = days.includes(local.dayOfWeek);
          const yesterday = days.includes(local.subtract({ days: 1 }).dayOfWeek);
          const overnight = toHour <= fromHour;
          const expected = overnight
            ? (today && local.hour >= fromHour) || (yesterday && local.hour < toHour)
            : today && local.hour >= fromHour && local.hour < toHour;
          assert.equal(
            frozenAt({ windows: [window], environment: "production", atMs: minute * 60_000 }) !== null,
            expected,
          );
        },
      ),
      { seed, numRuns: 2000 },
    );
  });

  it("is told what is wrong with it", () => {
    assert.deepEqual(checkFreezeWindow(nightly), []);
    assert.equal(checkFreezeWindow({ ...nightly, timeZone: "Mars/Olympus" }).length, 1);
    assert.equal(checkFreezeWindow({ ...nightly, timeZone: "+08:00" }).length, 1);
    assert.equal(checkFreezeWindow({ ...nightly, when: { from: "2026-02-30T00:00", to: "x" } }).length, 2);
    assert.equal(
      checkFreezeWindow({ ...nightly, when: { from: "2026-03-02T00:00", to: "2026-03-01T00:00" } }).length,
      1,
    );
    assert.equal(
      checkFreezeWindow({ ...nightly, when: { days: [0], fromTime: "25:00", toTime: "08:00+08:00" } }).length,
      3,
    );
  });
});

describe("four eyes", () => {
  const approvals = [{ by: "bob", planHash: "h1" }];
  const question = { requester: "ann", approver: "bob", seenHash: "h1", planHash: "h1", approvals: [] };

  it("want another person, the plan as it is, and each only once", () => {
    assert.equal(approvalProblem(question), null);
    assert.match(approvalProblem({ ...question, approver: "ann" }) ?? "", /another person/);
    assert.match(approvalProblem({ ...question, planHash: "h2" }) ?? "", /has changed/);
    assert.match(approvalProblem({ ...question, approvals }) ?? "", /already/);
  });

  it("count only approvals of this very plan by others", () => {
    const asked = { rules: productionRules, requester: "ann", planHash: "h1" };
    assert.equal(isApproved({ ...asked, approvals }), true);
    assert.equal(isApproved({ ...asked, planHash: "h2", approvals }), false);
    assert.equal(isApproved({ ...asked, approvals: [{ by: "ann", planHash: "h1" }] }), false);
  });

  it("want a second person at a pause, and on production a ticket, a way back and a verification", () => {
    assert.match(confirmProblem({ rules: productionRules, startedBy: "ann", by: "ann" }) ?? "", /second person/);
    assert.equal(confirmProblem({ rules: productionRules, startedBy: "ann", by: "bob" }), null);
    const bare = { ticket: null, rollbackTarget: null, verification: null, first: false };
    assert.equal(missingForChange(productionRules, bare).length, 3);
    assert.equal(missingForChange(productionRules, { ...bare, first: true }).length, 2);
  });
});

describe("a roll-back", () => {
  const history = [
    { release: "r1", instance: "a", version: "v1", atMs: 10 },
    { release: "r1", instance: "b", version: "v1", atMs: 11 },
    { release: "r2", instance: "a", version: "v2", atMs: 20 },
    { release: "r3", instance: "a", version: "v3", atMs: 30 },
  ];

  it("brings each instance to what it had before, or at the end of an earlier release", () => {
    const back = (toRelease: { id: string; endedAtMs: number } | null) =>
      rollbackTargets({ instances: ["a", "b", "c"], history, release: "r3", beganAtMs: 25, toRelease }).map((target) =>
        "version" in target ? target.version : target.problem,
      );
    assert.deepEqual(back(null), ["v2", "v1", "it had no version before this release"]);
    assert.deepEqual(back({ id: "r1", endedAtMs: 12 }), ["v1", "v1", "it had no version before the end of release r1"]);
  });
});

describe("why an instance failed", () => {
  it("is said with exit code, events and the last log lines, all bounded", () => {
    const report = explainFailure({
      instance: "a",
      reason: "its container keeps ending",
      exitCode: 137,
      exitReason: "OOMKilled",
      restarts: 4,
      events: Array.from({ length: 30 }, (_, atMs) => ({
        atMs,
        reason: "BackOff",
        message: "x".repeat(900),
        count: 2,
      })),
      logTail: Array.from({ length: 100 }, (_, line) => `line ${line}`).join("\n"),
    });
    assert.equal(
      report.summary,
      "its container keeps ending; exit code 137 (killed for using more memory than its class has); 4 restarts",
    );
    assert.match(report.hint, /bigger class/);
    assert.equal(report.events.length, 10);
    assert.ok(report.events.every((event) => event.length <= 500));
    assert.deepEqual([report.logLines.length, report.logLines.at(-1)], [20, "line 99"]);
  });
});
