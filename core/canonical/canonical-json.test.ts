import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { canonicalHash, canonicalJson } from "./index.ts";

const seed = 7;

describe("canonical JSON", () => {
  it("is RFC 8785's own example", () => {
    const value = JSON.parse(
      '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}',
    ) as unknown;
    assert.equal(
      canonicalJson(value),
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  it("says the same value and parses back to it", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)));
      }),
      { seed, numRuns: 300 },
    );
  });

  it("does not depend on the order of members, and hashes alike", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(fc.string(), fc.jsonValue()), { selector: ([key]) => key }), (entries) => {
        const forward = Object.fromEntries(entries);
        const backward = Object.fromEntries(entries.toReversed());
        assert.equal(canonicalJson(forward), canonicalJson(backward));
        assert.equal(canonicalHash(forward), canonicalHash(backward));
      }),
      { seed, numRuns: 300 },
    );
  });

  it("writes what is nested deep as well", () => {
    const deep = Array.from({ length: 100 }).reduce<unknown>((inside) => ({ b: [inside], a: null }), "end");
    assert.equal(canonicalJson(deep), `${'{"a":null,"b":['.repeat(100)}"end"${"]}".repeat(100)}`);
  });

  it("leaves out what is undefined and refuses what is not JSON, with its path", () => {
    assert.equal(canonicalJson({ b: undefined, a: 1 }), '{"a":1}');
    assert.throws(() => canonicalJson({ a: [1, Number.NaN] }), /\$\.a\[1\]: NaN/);
    assert.throws(() => canonicalJson({ a: "\ud800" }), /\$\.a: a lone surrogate/);
    assert.throws(() => canonicalJson({ a: 1n }), /\$\.a: a bigint/);
    assert.throws(() => canonicalJson([undefined]), /\$\[0\]: a undefined/);
    assert.throws(() => canonicalJson({ "\ud800": 1 }), /\$: a lone surrogate/);
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    assert.throws(() => canonicalJson(cycle), /\$\.self: the value contains itself/);
  });
});
