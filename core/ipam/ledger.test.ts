import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import {
  bindAddress,
  blockAddress,
  chooseAddresses,
  clearCondition,
  expireAddress,
  freshAddress,
  impossibility,
  markConflict,
  reclaimAddress,
  releaseAddress,
  renewAddress,
  reserveAddress,
  retireAddress,
  unbindAddress,
  type AddressOwner,
  type AddressRecord,
  type ReleasePolicy,
  type Transition,
} from "./index.ts";

const seed = 7;
const first = 10 * 2 ** 24;
const size = 5;
const range = { first, last: first + size - 1 };
const coolDownMs = 1000;
const policy: ReleasePolicy = { release: "after-ttl", ttlMs: 300_000, coolDownMs };

/** What can happen, with the numbers that choose whom it happens to. Acts of pods may be late: any pod ever made can do them. */
const step = fc.record({
  act: fc.constantFrom(
    "reserve",
    "reserve",
    "bind",
    "bind",
    "bind",
    "restart",
    "unbind",
    "unbind",
    "renew",
    "retire",
    "release",
    "expire",
    "reclaim",
    "conflict",
    "clear",
    "block",
  ),
  who: fc.nat({ max: 3 }),
  pod: fc.nat({ max: 7 }),
  fresh: fc.boolean(),
  waitMs: fc.constantFrom(0, 1, 999, 1000, 300_000),
});

type Pod = Readonly<{
  uid: string;
  containerId: string;
  host: string;
  instance: string;
  generation: number;
  address: number;
}>;

describe("the ledger under any order of acts", () => {
  it("never gives an address to two, keeps every rest, and never loses an address of a living instance", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150, size: "max" }), (steps) => {
        const world = createWorld();
        for (const each of steps) world.act(each);
      }),
      { seed, numRuns: 500 },
    );
  });
});

/** The ledger beside a plain record of who has what, kept without the ledger's rules. */
function createWorld() {
  const records = new Map<number, AddressRecord>();
  for (let address = range.first; address <= range.last; address += 1) records.set(address, freshAddress(address, "s"));
  const pods: Pod[] = [];
  const generationOf = new Map<string, number>();
  const ownerOf = new Map<number, string>();
  const running = new Map<number, Pod>();
  const everBound = new Set<string>();
  const latestPod = new Map<number, string>();
  const keptUntil = new Map<number, number>();
  const restUntil = new Map<number, number>();
  let nowMs = 0;
  let generation = 0;

  const recordOf = (instance: string): AddressRecord | undefined =>
    [...records.values()].find((record) => record.owner?.name === instance);
  const keep = (transition: Transition): AddressRecord | null => {
    if (!transition.ok) return null;
    const { record } = transition;
    assert.equal(impossibility(record), null);
    records.set(record.address, record);
    return record;
  };
  const owner = (instance: string): AddressOwner => ({ kind: "instance", name: instance, nic: "eth0" });
  const rest = (address: number): void => {
    assert.ok(!running.has(address), "an address went while a pod had it");
    ownerOf.delete(address);
    restUntil.set(address, nowMs + coolDownMs);
  };

  const reserve = (instance: string): void => {
    const own = recordOf(instance);
    if (own !== undefined) {
      generation += 1;
      const kept = keep(reserveAddress(own, { owner: owner(instance), generation }));
      assert.equal(kept?.address, own.address, "an owner that comes back gets another address");
      generationOf.set(instance, kept.generation);
      return;
    }
    const all = [...records.values()];
    const taken = all
      .filter((record) => record.state !== "free" || record.condition !== "usable")
      .map(({ address }) => address);
    const freed = new Map(
      all.flatMap(({ address, freedAtMs }) => (freedAtMs === null ? [] : [[address, freedAtMs] as const])),
    );
    const [address] = chooseAddresses({ range, taken, freed }, 1);
    if (address === undefined) return assert.equal(taken.length, size, "an address is free and was not found");
    assert.ok(!ownerOf.has(address), "the address has an owner");
    assert.ok((restUntil.get(address) ?? 0) <= nowMs, "the address rests");
    generation += 1;
    const record = records.get(address);
    assert.ok(record !== undefined && keep(reserveAddress(record, { owner: owner(instance), generation })) !== null);
    ownerOf.set(address, instance);
    generationOf.set(instance, generation);
  };

  /** A pod is made on a host of its own now and then, and a restart is a new sandbox of the latest pod. */
  const makePod = (
    own: AddressRecord,
    instance: string,
    options: Readonly<{ host: string; restart: boolean }>,
  ): void => {
    const last = pods.findLast((pod) => pod.instance === instance && pod.generation === own.generation);
    if (options.restart && last === undefined) return;
    const uid = options.restart && last !== undefined ? last.uid : `pod-${pods.length}`;
    const host = options.restart && last !== undefined ? last.host : options.host;
    pods.push({
      uid,
      containerId: `c-${pods.length}`,
      host,
      instance,
      generation: own.generation,
      address: own.address,
    });
  };

  const bind = (index: number): void => {
    const pod = pods[pods.length - 1 - index];
    if (pod === undefined) return;
    const record = records.get(pod.address);
    assert.ok(record !== undefined);
    const { uid: podUid, containerId, host } = pod;
    const claim = {
      instance: pod.instance,
      nic: "eth0",
      generation: pod.generation,
      binding: { podUid, containerId, host },
    };
    const bound = keep(bindAddress(record, claim));
    if (bound === null) return;
    assert.equal(ownerOf.get(pod.address), pod.instance, "a pod got an address that is not its instance's");
    assert.equal(pod.generation, generationOf.get(pod.instance), "a pod of an old generation got the address");
    const before = running.get(pod.address);
    if (before !== undefined) {
      assert.equal(before.host, pod.host, "the address is on two hosts");
    }
    const life = `${pod.uid} ${pod.generation}`;
    const latest = latestPod.get(pod.address);
    if (latest !== undefined && latest !== life) {
      assert.ok(!everBound.has(life), "a pod that another replaced took the address back");
    }
    latestPod.set(pod.address, life);
    everBound.add(life);
    running.set(pod.address, pod);
  };

  const unbind = (index: number, whole: boolean): void => {
    const pod = pods[pods.length - 1 - index];
    const record = pod === undefined ? undefined : records.get(pod.address);
    if (pod === undefined || record === undefined) return;
    const after = keep(unbindAddress(record, { podUid: pod.uid, containerId: whole ? null : pod.containerId }));
    const has = running.get(pod.address);
    const its = has !== undefined && has.uid === pod.uid && (whole || has.containerId === pod.containerId);
    if (its) {
      assert.equal(after?.state, "held");
      running.delete(pod.address);
    } else {
      assert.equal(records.get(pod.address)?.binding, record.binding, "a late clean-up took another pod's address");
    }
  };

  const act = ({ act, who, pod, fresh, waitMs }: typeof step extends fc.Arbitrary<infer T> ? T : never): void => {
    nowMs += waitMs;
    const instance = `i${who}`;
    const own = recordOf(instance);
    if (act === "reserve") reserve(instance);
    if (act === "restart" || (act === "bind" && fresh)) {
      if (own !== undefined) makePod(own, instance, { host: pod === 0 ? "h2" : "h1", restart: act === "restart" });
      bind(0);
    } else if (act === "bind") bind(pod);
    if (act === "unbind") unbind(pod, fresh);
    if (act === "renew" && own !== undefined) {
      generation += 1;
      const renewed = keep(
        renewAddress(own, { owner: owner(instance), expectedGeneration: own.generation, generation }),
      );
      assert.ok(renewed !== null);
      running.delete(own.address);
      generationOf.set(instance, generation);
    }
    if (act === "retire" && own !== undefined) {
      const options = { owner: owner(instance), expectedGeneration: own.generation, policy, nowMs };
      const retired = keep(retireAddress(own, options));
      assert.equal(retired === null, running.has(own.address));
      if (retired?.state === "cooling") rest(own.address);
      else if (retired !== null && !own.retired) keptUntil.set(own.address, nowMs + 300_000);
    }
    if (act === "release" && own !== undefined) {
      const released = keep(releaseAddress(own, { expectedGeneration: own.generation, nowMs, coolDownMs }));
      if (released !== null) rest(own.address);
    }
    const anywhere = records.get(range.first + (pod % size));
    assert.ok(anywhere !== undefined);
    if (act === "expire" && keep(expireAddress(anywhere, { nowMs, coolDownMs })) !== null) {
      assert.ok((keptUntil.get(anywhere.address) ?? Number.POSITIVE_INFINITY) <= nowMs, "a kept address went early");
      rest(anywhere.address);
    }
    if (act === "reclaim" && keep(reclaimAddress(anywhere, nowMs)) !== null) {
      assert.ok((restUntil.get(anywhere.address) ?? 0) <= nowMs, "the address had not rested");
    }
    if (act === "conflict") keep(markConflict(anywhere));
    if (act === "block") keep(blockAddress(anywhere));
    if (act === "clear") keep(clearCondition(anywhere));
    for (const record of records.values()) {
      assert.equal(record.owner?.name, ownerOf.get(record.address), "ledger and world name different owners");
      assert.equal(record.binding?.podUid, running.get(record.address)?.uid, "ledger and world name different pods");
    }
  };
  return { act };
}
