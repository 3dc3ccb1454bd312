import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { formatIpv4Range, parseIpv4Address } from "@wcs/core/ipv4";
import { macOfAddress, parseDynamicBlockGrant, printDynamicBlockGrant, type DynamicBlockGrant } from "./index.ts";

const seed = 7;
const base = 10 * 2 ** 24 + 71 * 2 ** 16 + 256;

const grant: DynamicBlockGrant = {
  host: "idc1-h1",
  generation: 2,
  subnet: "idc1-r1-core",
  area: "core",
  cidr: "10.71.1.0/24",
  gateway: "10.71.1.254",
  conflictProbe: false,
  blocks: ["10.71.1.9-10.71.1.9", "10.71.1.20-10.71.1.27"],
};

const blocks = fc
  .uniqueArray(fc.integer({ min: 1, max: 253 }), { minLength: 0, maxLength: 20 })
  .map((ends) => ends.toSorted((a, b) => a - b))
  .map((ends) =>
    Array.from({ length: Math.floor(ends.length / 2) }, (_, index) =>
      formatIpv4Range({ first: base + (ends[2 * index] ?? 0), last: base + (ends[2 * index + 1] ?? 0) }),
    ),
  );

const problems = (change: Record<string, unknown>): readonly string[] => {
  const text = JSON.stringify({ version: 1, ...grant, ...change });
  const result = parseDynamicBlockGrant(text, "idc1-h1");
  assert.ok(!result.ok);
  return result.problems.map(({ path, problem }) => `${path}: ${problem}`);
};

describe("the dynamic block grant", () => {
  it("is printed and read back as it was, and has one text", () => {
    fc.assert(
      fc.property(blocks, fc.integer({ min: 1 }), fc.boolean(), (blocks, generation, conflictProbe) => {
        const value = { ...grant, blocks, generation, conflictProbe };
        const text = printDynamicBlockGrant(value);
        assert.deepEqual(parseDynamicBlockGrant(text, "idc1-h1"), { ok: true, value });
        assert.equal(printDynamicBlockGrant({ ...value, blocks: blocks.toReversed() }), text);
      }),
      { seed },
    );
  });

  it("is refused on another Node than its own", () => {
    const result = parseDynamicBlockGrant(printDynamicBlockGrant(grant), "idc1-h2");
    assert.ok(!result.ok);
    assert.deepEqual(result.problems, [
      {
        path: "host",
        problem: "the grant is for idc1-h1, the Node is idc1-h2",
        remedy: "grant this Node a block of its own",
      },
    ]);
  });

  it("refuses blocks that overlap, leave the subnet or hold the gateway", () => {
    assert.deepEqual(problems({ blocks: ["10.71.1.20-10.71.1.27", "10.71.1.27-10.71.1.30"] }), [
      "blocks: 10.71.1.20-10.71.1.27 and 10.71.1.27-10.71.1.30 overlap",
    ]);
    assert.deepEqual(problems({ blocks: ["10.71.2.1-10.71.2.3"] }), [
      "blocks: 10.71.2.1-10.71.2.3 is not among the hosts of 10.71.1.0/24",
    ]);
    assert.deepEqual(problems({ blocks: ["10.71.1.250-10.71.1.254"] }), [
      "blocks: 10.71.1.250-10.71.1.254 holds the gateway 10.71.1.254",
    ]);
    assert.deepEqual(problems({ blocks: ["10.71.1.9"] }), [
      'blocks[0]: "10.71.1.9" is not an address range such as 10.71.1.20-10.71.1.27',
    ]);
  });

  it("never throws on any JSON", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        assert.equal(parseDynamicBlockGrant(text, "idc1-h1").ok, false);
      }),
      { seed, numRuns: 500 },
    );
  });

  it("gives every address a MAC of its own that is local and unicast", () => {
    assert.equal(macOfAddress(parseIpv4Address("10.71.1.100") ?? 0), "02:57:0a:47:01:64");
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), (address) => {
        const mac = macOfAddress(address);
        assert.equal(Number.parseInt(mac.slice(0, 2), 16) & 3, 2);
        assert.equal(Number.parseInt(mac.slice(6).replaceAll(":", ""), 16), address);
      }),
      { seed },
    );
  });
});
