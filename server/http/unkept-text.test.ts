import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { canonicalJson } from "@wcs/core/canonical";
import { unkeptText } from "./unkept-text.ts";

describe("text that can't be kept", () => {
  it("is found where it is", () => {
    const of = (text: string) => unkeptText(JSON.parse(text) as unknown);
    assert.equal(of('{"title":"机房 😀"}'), null);
    assert.equal(of('{"labels":{"a/b":["x","\\ud83d"]}}')?.pointer, "/labels/a~1b/1");
    assert.match(of('{"a":{"\\udc00":1}}')?.message ?? "", /^the name of a member has a lone surrogate/);
    assert.match(of('["a\\u0000b"]')?.message ?? "", /U\+0000/);
  });

  it("is all that canonical JSON refuses of what JSON can say", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 6 }), fc.boolean(), (units, asKey) => {
        const text = String.fromCharCode(...units);
        const value = asKey ? { [text]: 1 } : [text];
        if (unkeptText(value) === null) assert.doesNotThrow(() => canonicalJson(value));
        else assert.ok(!text.isWellFormed() || text.includes("\0"));
      }),
      { seed: 3, numRuns: 500 },
    );
  });
});
