import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { ipv4PrefixesOverlap, type Ipv4Prefix } from "@wcs/core/ipv4";
import { addPrefix, createPrefixTree, overlappingPrefixes, removePrefix } from "./prefix-tree.ts";

const prefix = fc
  .tuple(fc.constantFrom(0, 1, 0x0a47_0000, 0x0a47_0100, 0x0a47_0180, 0xffff_ffff), fc.integer({ min: 0, max: 32 }))
  .map(([address, length]): Ipv4Prefix => ({
    first: length === 0 ? 0 : (address & (-1 << (32 - length))) >>> 0,
    length,
  }));

describe("a tree of prefixes", () => {
  it("finds what comparing with every prefix finds, after adding and removing", () => {
    fc.assert(
      fc.property(fc.array(prefix, { maxLength: 30 }), fc.array(fc.nat(29)), prefix, (all, removed, sought) => {
        const tree = createPrefixTree();
        all.forEach((each, at) => addPrefix(tree, String(at), each));
        for (const at of removed) {
          const each = all[at];
          if (each !== undefined) removePrefix(tree, String(at), each);
        }
        const expected = all.flatMap((each, at) =>
          !removed.includes(at) && ipv4PrefixesOverlap(each, sought) ? [String(at)] : [],
        );
        assert.deepEqual(new Set(overlappingPrefixes(tree, sought)), new Set(expected));
      }),
      { seed: 7, numRuns: 500 },
    );
  });

  it("is empty again when all is taken out", () => {
    fc.assert(
      fc.property(fc.array(prefix), (all) => {
        const tree = createPrefixTree();
        all.forEach((each, at) => addPrefix(tree, String(at), each));
        all.forEach((each, at) => removePrefix(tree, String(at), each));
        assert.deepEqual(tree, createPrefixTree());
      }),
      { seed: 7 },
    );
  });
});
