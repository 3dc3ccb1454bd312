import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mergeByTime } from "./merge-by-time.ts";
import { splitLines, type TimedLine } from "./timed-line.ts";

async function* log(source: string, times: readonly number[]): AsyncGenerator<TimedLine, void> {
  for (const time of times) {
    yield { source, at: `2026-11-24T10:00:${String(time).padStart(2, "0")}Z`, text: String(time) };
  }
}

async function textsOf(merged: AsyncGenerator<TimedLine, void>): Promise<string[]> {
  const texts: string[] = [];
  for await (const { source, text } of merged) texts.push(`${source}${text}`);
  return texts;
}

describe("logs of several instances", () => {
  it("are merged by time, whatever their lengths", async () => {
    const merged = mergeByTime([log("a", [1, 4, 9]), log("b", [2, 3]), log("c", [])], null);
    assert.deepEqual(await textsOf(merged), ["a1", "b2", "b3", "a4", "a9"]);
  });

  it("are shown although one of them is silent for ever", async () => {
    const silent = async function* (): AsyncGenerator<TimedLine, void> {
      await new Promise(() => undefined);
      yield { source: "never", at: "", text: "" };
    };
    const merged = mergeByTime([log("a", [1, 2]), silent()], 20);
    const first = [(await merged.next()).value, (await merged.next()).value].map((line) => line?.text);
    assert.deepEqual(first, ["1", "2"]);
  });

  it("are split into whole lines, and the rest waits", () => {
    const { lines, left } = splitLines("a", "T1 stdout one\nT2 stderr two  words\nT3 std");
    assert.deepEqual(lines, [
      { source: "a", at: "T1", text: "one" },
      { source: "a", at: "T2", text: "two  words" },
    ]);
    assert.equal(left, "T3 std");
  });
});
