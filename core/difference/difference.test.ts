import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { differences } from "./index.ts";

const seed = 11;

describe("the difference of two values", () => {
  it("names list items by their name, so that a reordered list is no difference", () => {
    const from = {
      env: [
        { name: "A", value: "1" },
        { name: "B", value: "2" },
      ],
    };
    const to = {
      env: [
        { name: "B", value: "3" },
        { name: "A", value: "1" },
      ],
    };
    assert.deepEqual(differences(from, to), [{ path: "env[B].value", from: "2", to: "3" }]);
  });

  it("shows what was added and what was removed", () => {
    assert.deepEqual(differences({ a: 1 }, { b: [2] }), [
      { path: "a", from: 1, to: undefined },
      { path: "b", from: undefined, to: [2] },
    ]);
    assert.deepEqual(differences([1, 2], [1]), [{ path: "[1]", from: 2, to: undefined }]);
  });

  it("does not take a list with a repeated name apart by name", () => {
    const twice = [{ name: "A" }, { name: "A", value: "x" }];
    assert.deepEqual(differences(twice, twice.slice(0, 1)), [{ path: "[1]", from: twice[1], to: undefined }]);
  });

  it("is empty exactly for equal values", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        assert.deepEqual(differences(a, structuredClone(a)), []);
        let equal = true;
        try {
          assert.deepEqual(a, b);
        } catch {
          equal = false;
        }
        if (!equal && !hasNames(a) && !hasNames(b)) assert.notDeepEqual(differences(a, b), []);
      }),
      { seed, numRuns: 500 },
    );
  });
});

/** Lists of named items may differ in order alone, which is no difference. */
function hasNames(value: unknown): boolean {
  return /"(?:name|path)":/.test(JSON.stringify(value));
}
