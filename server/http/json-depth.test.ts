import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { jsonDepth } from "./json-depth.ts";

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

describe("the depth of JSON text", () => {
  it("is that of the value, whatever its strings hold", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        assert.equal(jsonDepth(JSON.stringify(value), 1000), depthOf(value));
        assert.equal(jsonDepth(JSON.stringify({ '[{"\\': value }), 1000), depthOf(value) + 1);
      }),
      { seed: 11, numRuns: 500 },
    );
  });

  it("stops at the most, and at the end of a string that never ends", () => {
    assert.equal(jsonDepth("[".repeat(1_000_000), 64), 65);
    assert.equal(jsonDepth(`["${"\\".repeat(101)}"[[[`, 64), 1);
    assert.equal(jsonDepth(`["${"\\".repeat(100)}"[[[`, 64), 4);
  });
});
