import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createSourceLimit, sourceOf } from "./source-limit.ts";

describe("the limit of a source address", () => {
  it("lets as many attempts begin as it says, each address by itself, and again when the window is over", () => {
    let nowMs = 0;
    const limit = createSourceLimit({ most: 2, windowMs: 60_000, now: () => nowMs });
    assert.ok("giveBack" in limit.take("192.0.2.1"));
    assert.ok("giveBack" in limit.take("192.0.2.1"));
    nowMs = 20_000;
    assert.deepEqual(limit.take("192.0.2.1"), { retryAfterSeconds: 40 });
    assert.ok("giveBack" in limit.take("192.0.2.2"));
    nowMs = 60_000;
    assert.ok("giveBack" in limit.take("192.0.2.1"));
  });

  it("counts no attempt that was given back", () => {
    const limit = createSourceLimit({ most: 1, windowMs: 60_000, now: () => 0 });
    for (let index = 0; index < 5; index += 1) {
      const taken = limit.take("192.0.2.1");
      assert.ok("giveBack" in taken);
      taken.giveBack();
    }
  });

  it("forgets the oldest addresses when there are too many", () => {
    const limit = createSourceLimit({ most: 1, windowMs: 60_000, now: () => 0 });
    limit.take("first");
    for (let index = 0; index < 10_000; index += 1) limit.take(`n${index}`);
    assert.ok("giveBack" in limit.take("first"));
    assert.ok("retryAfterSeconds" in limit.take("n9999"));
  });

  it("takes an IPv6 network of 64 bits as one source, and an IPv4 address in IPv6 as the IPv4 address", () => {
    assert.equal(sourceOf("2001:db8::1"), sourceOf("2001:0db8:0:0:ffff::2"));
    assert.notEqual(sourceOf("2001:db8::1"), sourceOf("2001:db8:0:1::1"));
    assert.equal(sourceOf("::1"), sourceOf("0:0:0:0:0:0:0:2"));
    assert.equal(sourceOf("fe80::1%eth0"), "fe80:0:0:0::/64");
    assert.equal(sourceOf("::ffff:192.0.2.1"), "192.0.2.1");
  });
});
