import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  bindAddress,
  collectGarbage,
  compareNetwork,
  viewsWithin,
  composeNics,
  freshAddress,
  macOfAddress,
  markConflict,
  parseNetworkAnnotation,
  printNetworkAnnotation,
  releaseAddress,
  reserveAddress,
  unbindAddress,
  type AddressRecord,
  type HostAddress,
  type NetworkViews,
  type Transition,
} from "./index.ts";

const one = 10 * 2 ** 24 + 1;
const done = (transition: Transition): AddressRecord => {
  assert.ok(transition.ok);
  return transition.record;
};
const reserved = (instance: string, address = one): AddressRecord =>
  done(
    reserveAddress(freshAddress(address, "s"), {
      owner: { kind: "instance", name: instance, nic: "eth0" },
      generation: 5,
    }),
  );
const bound = (instance: string, address = one, host = "h1"): AddressRecord =>
  done(
    bindAddress(reserved(instance, address), {
      instance,
      nic: "eth0",
      generation: 5,
      binding: { podUid: `pod-${instance}`, containerId: "c1", host },
    }),
  );
const onHost = (instance: string | null, change: Partial<HostAddress> = {}): HostAddress => ({
  address: one,
  mac: macOfAddress(change.address ?? one),
  nic: "eth0",
  instance,
  generation: instance === null ? null : 5,
  podUid: `pod-${instance}`,
  containerId: "c1",
  ...change,
});
/** Nothing anywhere; the annotated instances follow from the annotations. */
const wholeOf = (views: Partial<NetworkViews>): NetworkViews => ({
  records: [],
  annotations: null,
  annotated: new Set(views.annotations?.map(({ instance }) => instance)),
  reports: [],
  blocks: new Map(),
  ...views,
});
const differences = (views: Partial<NetworkViews>): readonly string[] =>
  compareNetwork(wholeOf(views)).map(({ kind, repair }) => `${kind}${repair === null ? "" : ` -> ${repair}`}`);
const report = (host: string, ...addresses: readonly HostAddress[]) => ({
  host,
  sequence: 1,
  grantGeneration: null,
  addresses,
  conflicts: [],
});

describe("the comparison of ledger, Kubernetes and hosts", () => {
  it("finds nothing where all three agree", () => {
    const annotations = [{ source: "pod a", address: one, instance: "a", nic: "eth0", generation: 5 }];
    assert.deepEqual(differences({ records: [bound("a")], annotations, reports: [report("h1", onHost("a"))] }), []);
  });

  it("finds the same a part at a time", () => {
    const two = one + 1;
    const nic = (address: number, instance: string, generation: number) => {
      return { source: `pod ${instance}`, address, instance, nic: "eth0", generation };
    };
    const views = wholeOf({
      records: [bound("a"), { ...bound("b"), address: two }, { ...bound("c"), address: two + 1 }],
      annotations: [nic(one, "a", 4), nic(two + 1, "b", 5), nic(two + 9, "z", 1)],
      reports: [
        report("h1", onHost("a", { mac: "02:00:00:00:00:01" }), onHost("c", { address: two + 5 })),
        report("h2", onHost("a")),
      ],
    });
    const whole = compareNetwork(views);
    assert.ok(whole.length >= 6);
    const parts = [
      { first: 0, last: one },
      { first: two, last: two },
      { first: two + 1, last: 2 ** 32 - 1 },
    ].flatMap((range) => {
      const records = views.records.filter(({ address }) => range.first <= address && address <= range.last);
      return compareNetwork({ ...viewsWithin(views, range), records });
    });
    assert.deepEqual(parts, whole);
  });

  it("names each kind of difference between a host and the ledger", () => {
    const against = (record: AddressRecord, entry: HostAddress, host = "h1"): readonly string[] =>
      differences({ records: [record], reports: [report(host, entry)] });
    assert.deepEqual(against(reserved("a"), onHost("a")), ["unrecorded-binding -> bind"]);
    assert.deepEqual(against(reserved("b"), onHost("a")), ["wrong-owner"]);
    assert.deepEqual(against(freshAddress(one, "s"), onHost("a")), ["wrong-owner"]);
    assert.deepEqual(against(bound("a"), onHost("a", { generation: 4 })), ["stale-pod"]);
    assert.deepEqual(against(bound("a"), onHost("a", { generation: 6 })), ["unknown-generation"]);
    assert.deepEqual(against(bound("a"), onHost("a"), "h2"), ["second-host"]);
    assert.deepEqual(against(bound("a"), onHost("a", { mac: "02:00:00:00:00:01" })), ["wrong-mac"]);
    assert.deepEqual(against(bound("a"), onHost("a", { address: one + 9 })), ["missing-on-host", "unknown-address"]);
    assert.deepEqual(differences({ records: [bound("a")], reports: [report("h1")] }), ["missing-on-host"]);
    assert.deepEqual(
      differences({ records: [bound("a")], reports: [report("h2")] }),
      [],
      "a silent host is not judged",
    );
    assert.deepEqual(
      differences({ records: [bound("a")], reports: [report("h1", onHost("a")), report("h2", onHost("a"))] }),
      ["second-host", "second-host"],
    );
  });

  it("judges addresses of dynamic blocks by the host's blocks", () => {
    const reports = [report("h1", onHost(null))];
    const blocks = (first: number) => new Map([["h1", [{ first, last: first + 7 }]]]);
    assert.deepEqual(differences({ reports, blocks: blocks(one) }), []);
    assert.deepEqual(differences({ reports, blocks: blocks(one + 1) }), ["outside-block"]);
    assert.deepEqual(differences({ records: [reserved("a")], reports, blocks: blocks(one) }), ["wrong-owner"]);
  });

  it("names what Kubernetes says and the ledger does not, and the other way round", () => {
    const annotation = { source: "pod a", address: one, instance: "a", nic: "eth0", generation: 5 };
    assert.deepEqual(differences({ records: [reserved("b")], annotations: [annotation] }), [
      "annotation-not-in-ledger",
    ]);
    assert.deepEqual(differences({ records: [reserved("a")], annotations: [{ ...annotation, generation: 4 }] }), [
      "stale-annotation",
    ]);
    const second = reserved("a", one + 1);
    assert.deepEqual(differences({ records: [reserved("a"), second], annotations: [annotation] }), ["not-annotated"]);
    assert.deepEqual(
      differences({ records: [reserved("a"), second] }),
      [],
      "nothing is missing from what was not read",
    );
  });

  it("marks an address that another answers for, once", () => {
    const reports = [{ ...report("h1"), conflicts: [{ address: one, mac: "aa:bb:cc:dd:ee:ff" }] }];
    assert.deepEqual(differences({ records: [reserved("a")], reports }), ["conflict -> mark-conflict"]);
    assert.deepEqual(differences({ records: [done(markConflict(reserved("a")))], reports }), ["conflict"]);
    // It was told once, and is one until a person has cleared it.
    assert.deepEqual(differences({ records: [done(markConflict(reserved("a")))] }), ["conflict"]);
    assert.deepEqual(differences({ records: [reserved("a")] }), []);
  });
});

describe("garbage", () => {
  const nothing = { instances: new Set<string>(), podUids: new Set<string>(), unknownHosts: new Set<string>() };
  const twice = (record: AddressRecord, live = nothing, secondMs = 60_000): readonly string[] => {
    const first = collectGarbage({ records: [record], live, suspicions: new Map(), nowMs: 0, graceMs: 60_000 });
    assert.deepEqual(first.leaks, [], "believed at first sight");
    const next = { records: [record], live, suspicions: first.suspicions, nowMs: secondMs, graceMs: 60_000 };
    return collectGarbage(next).leaks.map(({ kind }) => kind);
  };

  it("is believed when seen twice and not before its grace time", () => {
    assert.deepEqual(twice(reserved("a")), ["abandoned-reservation"]);
    assert.deepEqual(twice(reserved("a"), nothing, 59_999), []);
    assert.deepEqual(twice(bound("a")), ["vanished-pod"]);
    const held = done(unbindAddress(bound("a"), { podUid: "pod-a", containerId: null }));
    assert.deepEqual(twice(held), ["orphan"], "told, and freed by nobody: releasing it is a person's act");
  });

  it("is nothing that lives, nothing on a host that is silent, and no VM", () => {
    assert.deepEqual(twice(reserved("a"), { ...nothing, instances: new Set(["a"]) }), []);
    assert.deepEqual(twice(bound("a"), { ...nothing, podUids: new Set(["pod-a"]) }), []);
    assert.deepEqual(twice(bound("a"), { ...nothing, unknownHosts: new Set(["h1"]) }), []);
    const owner = { kind: "vm", name: "v", nic: "core" } as const;
    assert.deepEqual(twice(done(reserveAddress(freshAddress(one, "s"), { owner, generation: 1 }))), []);
  });

  it("forgets a suspicion when the address changed hands or looked well in between", () => {
    const options = { live: nothing, graceMs: 0 };
    const first = collectGarbage({ ...options, records: [reserved("a")], suspicions: new Map(), nowMs: 0 });
    const cooling = done(releaseAddress(reserved("a"), { expectedGeneration: 5, nowMs: 0, coolDownMs: 0 }));
    const between = collectGarbage({ ...options, records: [cooling], suspicions: first.suspicions, nowMs: 1 });
    assert.equal(between.suspicions.size, 0);
    const newOwner = { ...reserved("b"), generation: 6 };
    const other = collectGarbage({ ...options, records: [newOwner], suspicions: first.suspicions, nowMs: 2 });
    assert.deepEqual(other.leaks, []);
  });
});

describe("the NICs of an instance", () => {
  const core = {
    name: "eth0",
    area: "core",
    external: false,
    prefixes: ["172.16.0.0/12", "10.0.0.0/8"],
    address: one,
    cidr: "10.0.0.0/24",
    gateway: "10.0.0.254",
    conflictProbe: true,
  };
  const dmz = {
    ...core,
    name: "eth1",
    area: "dmz",
    external: true,
    prefixes: [],
    address: one + 256,
    cidr: "10.0.1.0/24",
    gateway: "10.0.1.254",
  };

  it("send the default route outside and the internal prefixes inside", () => {
    const nics = composeNics([dmz, core]);
    assert.deepEqual(
      nics.map(({ name, defaultRoute, internalPrefixes }) => ({ name, defaultRoute, internalPrefixes })),
      [
        { name: "eth0", defaultRoute: false, internalPrefixes: ["10.0.0.0/8", "172.16.0.0/12"] },
        { name: "eth1", defaultRoute: true, internalPrefixes: [] },
      ],
    );
    const text = printNetworkAnnotation({ instance: "a", generation: 1, nics });
    assert.ok(parseNetworkAnnotation(text).ok);
  });

  it("send everything by the only one", () => {
    assert.deepEqual(
      composeNics([core]).map((nic) => [nic.address, nic.defaultRoute, nic.internalPrefixes]),
      [["10.0.0.1/24", true, []]],
    );
  });
});
