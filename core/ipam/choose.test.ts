import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { blockSizes, chooseAddresses, chooseBlock, countFree, createAddressSet } from "./index.ts";

const seed = 7;
const range = { first: 1000, last: 1099 };
const address = fc.integer({ min: 995, max: 1105 });

describe("the choice of addresses", () => {
  it("gives those never used first, then those free the longest, and none that is taken", () => {
    fc.assert(
      fc.property(
        fc.array(address),
        fc.array(fc.tuple(address, fc.nat({ max: 50 }))),
        fc.nat({ max: 120 }),
        (taken, freedList, count) => {
          const freed = new Map(freedList);
          const chosen = chooseAddresses({ range, taken, freed }, count);
          const free = Array.from({ length: 100 }, (_, index) => 1000 + index).filter((each) => !taken.includes(each));
          const order = free.toSorted((a, b) => (freed.get(a) ?? -1) - (freed.get(b) ?? -1) || a - b);
          assert.deepEqual(chosen, order.slice(0, count));
          assert.equal(countFree({ range, taken, freed }), free.length);
        },
      ),
      { seed, numRuns: 500 },
    );
  });

  it("walks a set's bits as an array would be walked", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 99 })), fc.integer({ min: 0, max: 101 }), (members, from) => {
        const set = createAddressSet({ first: 1000, last: 1099 });
        for (const member of members) set.add(1000 + member);
        const all = Array.from({ length: 100 }, (_, index) => index).filter((index) => index >= from);
        const absent = all.find((index) => !members.includes(index));
        const present = all.find((index) => members.includes(index));
        assert.equal(set.nextAbsent(1000 + from), absent === undefined ? null : 1000 + absent);
        assert.equal(set.nextPresent(1000 + from), present === undefined ? null : 1000 + present);
        assert.equal(set.size(), new Set(members).size);
      }),
      { seed, numRuns: 500 },
    );
    assert.throws(() => createAddressSet(range).add(1100), RangeError);
  });

  it("is quick in a /16 of which one address is left", () => {
    const wide = { first: 0, last: 65_535 };
    const taken = Array.from({ length: 65_535 }, (_, index) => index);
    const started = performance.now();
    for (let round = 0; round < 10; round += 1) {
      assert.deepEqual(chooseAddresses({ range: wide, taken, freed: new Map() }, 1), [65_535]);
    }
    assert.ok((performance.now() - started) / 10 < 50);
  });
});

describe("the choice of a dynamic block", () => {
  const blocks = fc
    .array(fc.tuple(address, fc.integer({ min: 0, max: 20 })))
    .map((list) => list.map(([first, length]) => ({ first, last: first + length })));

  it("gives a run that nobody has any of, as long as was asked where there is one", () => {
    fc.assert(
      fc.property(blocks, fc.array(address), fc.integer({ min: 1, max: 40 }), (taken, avoid, size) => {
        const used = (each: number): boolean =>
          avoid.includes(each) || taken.some((block) => block.first <= each && each <= block.last);
        const free = Array.from({ length: 100 }, (_, index) => !used(1000 + index));
        const longest = free.reduce(
          ({ best, run }, isFree) => ({ best: Math.max(best, isFree ? run + 1 : 0), run: isFree ? run + 1 : 0 }),
          { best: 0, run: 0 },
        ).best;
        const block = chooseBlock({ range, taken, avoid }, size);
        if (block === null) return assert.ok(longest < size && longest < blockSizes.least);
        assert.equal(block.last - block.first + 1, Math.min(size, longest));
        for (let each = block.first; each <= block.last; each += 1) {
          assert.ok(!used(each) && each >= 1000 && each <= 1099);
        }
      }),
      { seed, numRuns: 1000 },
    );
  });

  it("uses the smallest run that fits, so that long ones stay", () => {
    const taken = [
      { first: 1010, last: 1010 },
      { first: 1030, last: 1030 },
    ];
    assert.deepEqual(chooseBlock({ range, taken, avoid: [] }, 8), { first: 1000, last: 1007 });
    assert.deepEqual(chooseBlock({ range, taken, avoid: [] }, 16), { first: 1011, last: 1026 });
  });
});
