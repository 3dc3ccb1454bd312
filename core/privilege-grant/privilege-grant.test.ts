import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { grantEffect, grantProblems, grantRefusal, type GrantWish, type SealedGrant } from "./index.ts";

const raw: GrantWish = { grade: "raw", instances: ["0101-1a1-01"], capabilities: [], image: null, minutes: 30 };
const image = `tools/debug@sha256:${"a".repeat(64)}`;

describe("a privilege grant", () => {
  it("is told everything that is wrong with it at once", () => {
    assert.deepEqual(grantProblems(raw), []);
    assert.deepEqual(grantProblems({ ...raw, grade: "debug", image, capabilities: ["SYS_PTRACE"] }), []);
    const wrong: GrantWish = {
      ...raw,
      grade: "debug",
      image: "tools/debug:latest",
      capabilities: ["NET_RAW", "SYS_ADMIN"],
      instances: ["a", "a"],
    };
    assert.deepEqual(
      grantProblems(wrong).map(({ pointer }) => pointer),
      ["/capabilities/1", "/image", "/instances"],
    );
    assert.deepEqual(
      grantProblems({ ...raw, image }).map(({ pointer }) => pointer),
      ["/image"],
    );
  });

  it("is approved by another person, who saw exactly it", () => {
    const usual = { holder: "ann", approver: "bob", seenHash: "x", hash: "x" };
    assert.equal(grantRefusal(usual), null);
    assert.match(grantRefusal({ ...usual, approver: "ann" }) ?? "", /another person/);
    assert.match(grantRefusal({ ...usual, seenHash: "y" }) ?? "", /not the grant that you saw/);
  });

  it("counts from its approval to its end, and not a moment longer, though nobody ended it", () => {
    const approved: SealedGrant = { state: "approved", startsAtMs: 1000, endsAtMs: 2000 };
    assert.deepEqual(
      [999, 1000, 1999, 2000].map((nowMs) => grantEffect(approved, nowMs)),
      ["over", "active", "active", "over"],
    );
    assert.equal(grantEffect({ state: "awaiting-approval", startsAtMs: null, endsAtMs: null }, 1500), "waiting");
    for (const state of ["rejected", "withdrawn", "ended", "expired"] as const) {
      assert.equal(grantEffect({ ...approved, state }, 1500), "over");
    }
  });
});
