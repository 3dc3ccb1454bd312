import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startTestPostgres, type TestPostgres } from "../testing/test-postgres.ts";
import { runUnderLease, takeLease } from "./lease.ts";

describe("a lease", () => {
  let postgres: TestPostgres;
  before(async () => {
    postgres = await startTestPostgres();
  });
  after(() => postgres.stop());

  it("has one holder, and a new term when it changes hands", async () => {
    const { server } = await postgres.createDatabase();
    const take = (holder: string) => takeLease(server.query, { name: "x", holder, durationMs: 200 });
    assert.equal(await take("a"), 1);
    assert.equal(await take("b"), null);
    assert.equal(await take("a"), 1);
    await sleep(250);
    assert.equal(await take("b"), 2);
    assert.equal(await take("a"), null);
  });

  it("moves to another server when its holder can no longer renew, whose work is told to stop before", async () => {
    const database = await postgres.createDatabase();
    const { query } = database.server;
    const stop = new AbortController();
    let cutOff = false;
    const spans: { holder: string; from: number; to: number }[] = [];
    const run = (holder: string): Promise<void> =>
      runUnderLease({
        query: (text, values) => {
          if (holder === "a" && cutOff) return Promise.reject(new Error("cut off"));
          return query(text, values);
        },
        name: "y",
        holder,
        durationMs: 300,
        signal: stop.signal,
        onError: () => undefined,
        work: async (signal) => {
          const span = { holder, from: performance.now(), to: Number.POSITIVE_INFINITY };
          spans.push(span);
          await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
          span.to = performance.now();
        },
      });
    const running = [run("a")];
    await sleep(100);
    running.push(run("b"));
    await sleep(200);
    cutOff = true;
    await sleep(1500);
    stop.abort();
    await Promise.all(running);
    assert.deepEqual(
      spans.map(({ holder }) => holder),
      ["a", "b"],
    );
    assert.ok((spans[0]?.to ?? 0) <= (spans[1]?.from ?? 0), "never both at once");
  });
});
