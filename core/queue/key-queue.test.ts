import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { createKeyQueue } from "./index.ts";

const backOff = { firstMs: 100, longestMs: 1000, jitter: 0 };

describe("the key queue", () => {
  it("keeps one entry a key", () => {
    const queue = createKeyQueue(backOff);
    queue.add("a", 5);
    queue.add("a", 9);
    assert.equal(queue.take(4), null);
    assert.equal(queue.take(5), "a");
    assert.equal(queue.take(100), null);
  });

  it("gives a key again that was added while a worker had it", () => {
    const queue = createKeyQueue(backOff);
    queue.add("a", 0);
    queue.take(0);
    queue.add("a", 1);
    assert.equal(queue.take(2), null, "one worker a key");
    queue.succeeded("a");
    assert.equal(queue.take(2), "a");
  });

  it("waits longer with every failure, up to a bound, and forgets failures after a success", () => {
    const queue = createKeyQueue(backOff);
    const waits: number[] = [];
    let now = 0;
    queue.add("a", 0);
    for (let round = 0; round < 6; round += 1) {
      assert.equal(queue.take(now), "a");
      waits.push(queue.failed("a", now, 0.5));
      now = queue.nextDueMs() ?? 0;
    }
    assert.deepEqual(waits, [100, 200, 400, 800, 1000, 1000]);
    queue.take(now);
    queue.succeeded("a");
    queue.add("a", now);
    queue.take(now);
    assert.equal(queue.failed("a", now, 0), 100);
  });

  it("gives no more keys of one lane than it has room for, and others meanwhile", () => {
    const queue = createKeyQueue(backOff, { laneOf: (key) => key.slice(0, 2), mostPerLane: 2 });
    for (const key of ["c1-a", "c1-b", "c1-c", "c2-a"]) queue.add(key, 0);
    assert.deepEqual([queue.take(0), queue.take(0), queue.take(0), queue.take(0)], ["c1-a", "c1-b", "c2-a", null]);
    assert.equal(queue.nextDueMs(), null, "nothing is due until the lane has room");
    queue.failed("c1-a", 0, 0);
    assert.equal(queue.take(0), "c1-c");
  });

  it("loses no key and never gives one to two workers, whatever happens", () => {
    const step = fc.record({
      act: fc.constantFrom("add", "take", "succeeded", "failed"),
      key: fc.constantFrom("a", "b", "c"),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = createKeyQueue(backOff, { laneOf: (key) => (key === "a" ? "1" : "2"), mostPerLane: 1 });
        const held = new Set<string>();
        const owed = new Set<string>();
        let now = 0;
        for (const { act, key } of steps) {
          now += 10;
          if (act === "add") {
            queue.add(key, now);
            owed.add(key);
          } else if (act === "take") {
            const taken = queue.take(now);
            if (taken === null) continue;
            assert.ok(!held.has(taken));
            held.add(taken);
            owed.delete(taken);
          } else if (held.delete(key)) {
            if (act === "succeeded") queue.succeeded(key);
            else {
              queue.failed(key, now, 0);
              owed.add(key);
            }
          }
        }
        for (const key of held) queue.succeeded(key);
        const left = new Set<string>();
        for (let key = queue.take(1e9); key !== null; key = queue.take(1e9)) {
          left.add(key);
          queue.succeeded(key);
        }
        assert.deepEqual(left, owed);
      }),
      { seed: 11, numRuns: 300 },
    );
  });

  it("gives keys in the order in which they are due, of those due together the one that came first", () => {
    const add = fc.record({ key: fc.integer({ min: 0, max: 9 }), atMs: fc.integer({ min: 0, max: 5 }) });
    fc.assert(
      fc.property(fc.array(add, { maxLength: 200 }), (adds) => {
        const queue = createKeyQueue(backOff);
        const wanted = new Map<string, number>();
        for (const { key, atMs } of adds) {
          queue.add(`k${key}`, atMs);
          wanted.set(`k${key}`, Math.min(atMs, wanted.get(`k${key}`) ?? Number.POSITIVE_INFINITY));
        }
        const expected = [...wanted].sort(([, a], [, b]) => a - b).map(([key]) => key);
        const taken: string[] = [];
        for (let key = queue.take(5); key !== null; key = queue.take(5)) taken.push(key);
        assert.deepEqual(taken, expected);
      }),
      { seed: 11, numRuns: 200 },
    );
  });

  it("holds 100,000 keys without looking at each", () => {
    const queue = createKeyQueue(backOff);
    for (let index = 0; index < 100_000; index += 1) queue.add(`k${index}`, (index * 7919) % 100_003);
    assert.equal(queue.nextDueMs(), 0);
    const started = performance.now();
    let last = -1;
    for (let count = 0; count < 20_000; count += 1) {
      const next = queue.nextDueMs() ?? 0;
      assert.ok(next > last);
      last = next;
      const key = queue.take(100_003);
      assert.ok(key !== null);
      queue.succeeded(key);
    }
    // By a look at each key of each step these are 4,000 million looks.
    assert.ok(performance.now() - started < 20_000);
  });
});
