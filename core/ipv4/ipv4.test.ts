import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import {
  formatIpv4Address,
  formatIpv4Prefix,
  formatIpv4Range,
  ipv4PrefixesOverlap,
  ipv4RangesOverlap,
  isHostOfIpv4Prefix,
  lastOfIpv4Prefix,
  parseIpv4Address,
  parseIpv4Interface,
  parseIpv4Prefix,
  parseIpv4Range,
  sizeOfIpv4Range,
} from "./index.ts";

const seed = 7;
const address = fc.integer({ min: 0, max: 0xffff_ffff });
const length = fc.integer({ min: 0, max: 32 });

describe("IPv4", () => {
  it("prints an address and reads it back", () => {
    fc.assert(
      fc.property(address, (value) => {
        assert.equal(parseIpv4Address(formatIpv4Address(value)), value);
      }),
      { seed },
    );
  });

  it("reads a text exactly when it is a dotted quad without leading zeros", () => {
    const octets = Array.from({ length: 256 });
    const part = fc.oneof(
      fc.integer({ min: -1, max: 300 }).map(String),
      fc.constantFrom("", "01", " 1", "1e1", "0x1", "+1"),
    );
    fc.assert(
      fc.property(fc.array(part, { minLength: 3, maxLength: 5 }), (parts) => {
        const text = parts.join(".");
        const quad = parts.length === 4 && parts.every((each) => each === String(Number(each)) && each in octets);
        assert.equal(parseIpv4Address(text) !== null, quad, text);
      }),
      { seed, numRuns: 500 },
    );
  });

  it("knows first, last, and what a host may have of a prefix", () => {
    fc.assert(
      fc.property(address, length, (value, bits) => {
        const parsed = parseIpv4Interface(`${formatIpv4Address(value)}/${bits}`);
        assert.ok(parsed !== null);
        const { first } = parsed.prefix;
        const last = lastOfIpv4Prefix(parsed.prefix);
        assert.ok(first <= value && value <= last);
        assert.equal(last - first + 1, 2 ** (32 - bits));
        assert.equal(isHostOfIpv4Prefix(value, parsed.prefix), bits >= 31 || (value !== first && value !== last));
        assert.equal(last < 0xffff_ffff && isHostOfIpv4Prefix(last + 1, parsed.prefix), false);
        assert.deepEqual(parseIpv4Prefix(formatIpv4Prefix(parsed.prefix)), parsed.prefix);
        assert.equal(parseIpv4Prefix(`${formatIpv4Address(value)}/${bits}`) !== null, value === first);
      }),
      { seed },
    );
  });

  it("refuses what is not a prefix or a range", () => {
    for (const text of [
      "",
      "10.0.0.0",
      "10.0.0.0/",
      "10.0.0.0/33",
      "10.0.0.0/08",
      "10.0.0.0/8/8",
      "10.0.0.1/8",
      "a/8",
    ]) {
      assert.equal(parseIpv4Prefix(text), null, text);
    }
    for (const text of ["", "10.0.0.1", "10.0.0.2-10.0.0.1", "10.0.0.1-10.0.0.2-10.0.0.3", "10.0.0.1 - 10.0.0.2"]) {
      assert.equal(parseIpv4Range(text), null, text);
    }
  });

  it("prints a range and reads it back, with its size", () => {
    fc.assert(
      fc.property(address, address, (a, b) => {
        const range = { first: Math.min(a, b), last: Math.max(a, b) };
        assert.deepEqual(parseIpv4Range(formatIpv4Range(range)), range);
        assert.equal(sizeOfIpv4Range(range), Math.abs(a - b) + 1);
      }),
      { seed },
    );
  });

  it("says whether prefixes and ranges overlap, whichever comes first", () => {
    const within = fc.integer({ min: 0, max: 15 });
    fc.assert(
      fc.property(within, within, fc.integer({ min: 28, max: 32 }), fc.integer({ min: 28, max: 32 }), (a, b, x, y) => {
        const one = parseIpv4Interface(`10.0.0.${a}/${x}`)?.prefix;
        const other = parseIpv4Interface(`10.0.0.${b}/${y}`)?.prefix;
        assert.ok(one !== undefined && other !== undefined);
        const held = (prefix: typeof one): number[] =>
          Array.from({ length: 2 ** (32 - prefix.length) }, (_, index) => prefix.first + index);
        const shared = held(one).some((value) => held(other).includes(value));
        assert.equal(ipv4PrefixesOverlap(one, other), shared);
        assert.equal(ipv4PrefixesOverlap(other, one), shared);
        const range = (prefix: typeof one) => ({ first: prefix.first, last: lastOfIpv4Prefix(prefix) });
        assert.equal(ipv4RangesOverlap(range(one), range(other)), shared);
      }),
      { seed, numRuns: 300 },
    );
  });
});
