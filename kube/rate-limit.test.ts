import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";
import { createRateLimit, type CallPriority } from "./rate-limit.ts";

/** A limit on a clock that the test moves. */
function limitAt(options: { callsPerSecond: number; burst: number; maxWaiting?: number }) {
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const limit = createRateLimit({ maxWaiting: 100, ...options, nowMs: () => Date.now() });
  const started: string[] = [];
  const ask = (name: string, priority: CallPriority = "normal", signal?: AbortSignal) =>
    limit.admit(priority, signal).then(() => started.push(name));
  const pass = async (durationMs: number) => {
    mock.timers.tick(durationMs);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { limit, started, ask, pass };
}

describe("the client's rate limit", () => {
  it("lets a burst through and then a call at a time", async (t) => {
    t.after(() => mock.timers.reset());
    const { started, ask, pass } = limitAt({ callsPerSecond: 10, burst: 2 });
    for (const name of ["a", "b", "c", "d"]) void ask(name);
    await pass(0);
    assert.deepEqual(started, ["a", "b"]);
    await pass(100);
    assert.deepEqual(started, ["a", "b", "c"]);
    await pass(100);
    assert.deepEqual(started, ["a", "b", "c", "d"]);
  });

  it("lets the higher priority go first, and the oldest every eighth time", async (t) => {
    t.after(() => mock.timers.reset());
    const { started, ask, pass } = limitAt({ callsPerSecond: 1_000, burst: 1 });
    void ask("first");
    void ask("low", "low");
    for (let index = 0; index < 10; index += 1) void ask(`high-${index}`, "high");
    for (let tick = 0; tick < 30; tick += 1) await pass(1);
    assert.equal(started.length, 12);
    assert.equal(started[1], "high-0");
    assert.equal(started.indexOf("low"), 7);
  });

  it("starts nothing while the server asked for a pause", async (t) => {
    t.after(() => mock.timers.reset());
    const { limit, started, ask, pass } = limitAt({ callsPerSecond: 10, burst: 5 });
    limit.pause(3_000);
    void ask("a");
    await pass(2_900);
    assert.deepEqual(started, []);
    await pass(200);
    assert.deepEqual(started, ["a"]);
  });

  it("drops a call that is cancelled, refuses more than may wait, and ends all when closed", async (t) => {
    t.after(() => mock.timers.reset());
    const { limit, started, ask, pass } = limitAt({ callsPerSecond: 1, burst: 1, maxWaiting: 2 });
    void ask("a");
    const stop = new AbortController();
    const cancelled = assert.rejects(ask("b", "normal", stop.signal), { reason: "cancelled" });
    const waiting = assert.rejects(ask("c"), { reason: "cancelled" });
    await assert.rejects(ask("d"), { reason: "too-many-requests" });
    stop.abort();
    await cancelled;
    assert.equal(limit.waiting(), 1);
    limit.close();
    await waiting;
    await pass(10_000);
    assert.deepEqual(started, ["a"]);
  });
});
