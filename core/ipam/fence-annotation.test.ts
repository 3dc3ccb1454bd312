import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { extendFence, isFenced, parseHostFence, printHostFence, type HostFence } from "./fence-annotation.ts";

const entry = fc.record({
  instance: fc.stringMatching(/^[a-z0-9]{1,12}$/),
  generation: fc.integer({ min: 1, max: 1_000_000 }),
});
const fence: fc.Arbitrary<HostFence> = fc
  .uniqueArray(entry, { selector: ({ instance }) => instance, maxLength: 30 })
  .map((instances) => ({ host: "h1", instances }));

describe("the fence of a host", () => {
  it("reads what it prints, whatever the order", () => {
    fc.assert(
      fc.property(fence, (given) => {
        const text = printHostFence(given);
        assert.equal(printHostFence({ ...given, instances: given.instances.toReversed() }), text);
        const read = parseHostFence(text, "h1");
        assert.ok(read.ok);
        assert.equal(printHostFence(read.value), text);
      }),
      { seed: 33, numRuns: 300 },
    );
  });

  it("refuses an instance up to its generation, never a later one, and only grows", () => {
    fc.assert(
      fc.property(fence, fc.array(entry, { maxLength: 10 }), entry, (given, added, asked) => {
        const grown = extendFence(given, added);
        if (isFenced(given, asked)) assert.ok(isFenced(grown, asked));
        const newest = Math.max(
          0,
          ...[...given.instances, ...added]
            .filter(({ instance }) => instance === asked.instance)
            .map(({ generation }) => generation),
        );
        assert.equal(isFenced(grown, asked), asked.generation <= newest);
      }),
      { seed: 34, numRuns: 500 },
    );
  });

  it("names what is wrong, and is of no use on another Node", () => {
    const copied = parseHostFence(printHostFence({ host: "h1", instances: [] }), "h2");
    assert.ok(!copied.ok);
    assert.equal(copied.problems[0]?.path, "host");
    const wrong = parseHostFence('{"version":1,"host":"h1","instances":[{"instance":"A!","generation":0}]}', "h1");
    assert.ok(!wrong.ok);
    assert.deepEqual(
      wrong.problems.map(({ path }) => path),
      ["instances[0].instance", "instances[0].generation"],
    );
  });
});
