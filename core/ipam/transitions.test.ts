import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  bindAddress,
  expireAddress,
  freshAddress,
  importAddress,
  reclaimAddress,
  releaseAddress,
  releasePolicyProblem,
  renewAddress,
  reserveAddress,
  retireAddress,
  unbindAddress,
  markConflict,
  type AddressRecord,
  type Transition,
} from "./index.ts";

const owner = { kind: "instance", name: "0042-1c1-01", nic: "eth0" } as const;
const claim = {
  instance: owner.name,
  nic: "eth0",
  generation: 5,
  binding: { podUid: "pod-a", containerId: "c1", host: "h1" },
};
const policy = { release: "after-ttl", ttlMs: 300_000, coolDownMs: 1000 } as const;

function done(transition: Transition): AddressRecord {
  assert.ok(transition.ok, transition.ok ? "" : transition.refusal.detail);
  return transition.record;
}
function refusal(transition: Transition): string {
  assert.ok(!transition.ok);
  return `${transition.refusal.code}: ${transition.refusal.detail}`;
}

const free = freshAddress(10 * 2 ** 24 + 1, "s");
const reserved = done(reserveAddress(free, { owner, generation: 5 }));
const bound = done(bindAddress(reserved, claim));
const held = done(unbindAddress(bound, { podUid: "pod-a", containerId: "c1" }));

describe("an address", () => {
  it("goes from free to reserved, bound, held, cooling and free again", () => {
    assert.deepEqual([reserved.state, bound.state, held.state], ["reserved", "bound", "held"]);
    const retired = done(retireAddress(held, { owner, expectedGeneration: 5, policy, nowMs: 0 }));
    assert.match(refusal(expireAddress(retired, { nowMs: 299_999, coolDownMs: 1000 })), /^too-early/);
    const cooling = done(expireAddress(retired, { nowMs: 300_000, coolDownMs: 1000 }));
    assert.equal(cooling.state, "cooling");
    assert.match(refusal(reserveAddress(cooling, { owner, generation: 6 })), /^not-free: 10\.0\.0\.1 is cooling/);
    assert.match(refusal(reclaimAddress(cooling, 300_999)), /^too-early/);
    const again = done(reclaimAddress(cooling, 301_000));
    assert.deepEqual([again.state, again.freedAtMs], ["free", 301_000]);
  });

  it("is not let go by an old pod, however late its clean-up is", () => {
    const rebound = done(bindAddress(held, { ...claim, binding: { podUid: "pod-b", containerId: "c2", host: "h1" } }));
    assert.match(
      refusal(unbindAddress(rebound, { podUid: "pod-a", containerId: "c1" })),
      /^not-binding.*bound to pod pod-b/,
    );
    assert.match(refusal(unbindAddress(rebound, { podUid: "pod-a", containerId: null })), /^not-binding/);
    assert.match(refusal(bindAddress(rebound, claim)), /^superseded-pod/);
  });

  it("follows a new sandbox of the same pod, and a late clean-up of its old sandbox does nothing", () => {
    const second = done(bindAddress(bound, { ...claim, binding: { ...claim.binding, containerId: "c2" } }));
    assert.equal(second.binding?.containerId, "c2");
    assert.match(refusal(unbindAddress(second, { podUid: "pod-a", containerId: "c1" })), /^not-binding/);
    const restarted = done(bindAddress(held, { ...claim, binding: { ...claim.binding, containerId: "c3" } }));
    assert.equal(restarted.state, "bound");
  });

  it("is refused to a second host, to an old generation and to one that nobody gave", () => {
    const elsewhere = { ...claim, binding: { podUid: "pod-b", containerId: "c2", host: "h2" } };
    assert.match(refusal(bindAddress(bound, elsewhere)), /^bound-elsewhere: .*bound on host h1: h2 may not/);
    const moved = done(renewAddress(bound, { owner, expectedGeneration: 5, generation: 9 }));
    assert.equal(moved.state, "held");
    assert.match(refusal(bindAddress(moved, claim)), /^stale-generation.*remove it/);
    assert.match(refusal(bindAddress(moved, { ...elsewhere, generation: 10 })), /^unknown-generation/);
    assert.equal(done(bindAddress(moved, { ...elsewhere, generation: 9 })).binding?.host, "h2");
    assert.match(refusal(bindAddress(moved, { ...claim, instance: "other" })), /^not-owner/);
  });

  it("does not leave its instance while a pod has it, nor by somebody who read it long ago", () => {
    assert.match(
      refusal(retireAddress(bound, { owner, expectedGeneration: 5, policy, nowMs: 0 })),
      /^still-bound.*host h1/,
    );
    assert.match(refusal(releaseAddress(bound, { expectedGeneration: 5, nowMs: 0, coolDownMs: 0 })), /^still-bound/);
    assert.match(
      refusal(releaseAddress(held, { expectedGeneration: 4, nowMs: 0, coolDownMs: 0 })),
      /^stale-generation/,
    );
    assert.match(refusal(releaseAddress(free, { expectedGeneration: 0, nowMs: 0, coolDownMs: 0 })), /^not-assigned/);
  });

  it("stays with a retired instance's name for ever where its policy says never, and comes back with it", () => {
    const never = { release: "never", coolDownMs: 0 } as const;
    const retired = done(retireAddress(held, { owner, expectedGeneration: 5, policy: never, nowMs: 0 }));
    assert.match(refusal(expireAddress(retired, { nowMs: Number.MAX_SAFE_INTEGER, coolDownMs: 0 })), /^too-early/);
    assert.match(
      refusal(bindAddress(retired, { ...claim, binding: { ...claim.binding, podUid: "pod-z" } })),
      /^not-owner.*retired/,
    );
    const back = done(reserveAddress(retired, { owner, generation: 7 }));
    assert.deepEqual([back.state, back.generation, back.retired], ["reserved", 7, false]);
  });

  it("is not given out while in conflict, and its owner keeps it meanwhile", () => {
    assert.match(refusal(reserveAddress(done(markConflict(free)), { owner, generation: 5 })), /^not-usable.*conflict/);
    assert.equal(done(markConflict(bound)).state, "bound");
  });

  it("of a VM is in use without a pod and cools down when the VM is gone", () => {
    const vm = { kind: "vm", name: "idc1-v1", nic: "core" } as const;
    const imported = done(importAddress(free, { owner: vm, generation: 1 }));
    assert.deepEqual([imported.state, imported.binding], ["bound", null]);
    assert.match(refusal(importAddress(reserved, { owner: vm, generation: 1 })), /^not-free: .*reserved for instance/);
    assert.equal(
      done(retireAddress(imported, { owner: vm, expectedGeneration: 1, policy, nowMs: 0 })).state,
      "cooling",
    );
  });

  it("has a policy whose TTL is five minutes or more", () => {
    assert.equal(releasePolicyProblem(policy), null);
    assert.match(releasePolicyProblem({ ...policy, ttlMs: 299_999 }) ?? "", /299999 ms is not between 5 minutes/);
    assert.match(releasePolicyProblem({ release: "never", coolDownMs: -1 }) ?? "", /cool-down of -1 ms/);
  });
});
