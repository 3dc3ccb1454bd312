import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  createEstateIndex,
  parseEstateFile,
  stageChanges,
  type EstateChange,
  type EstateDocument,
  type EstateIndex,
} from "./index.ts";
import { largeEstate } from "./testing/large-estate.ts";
import { textOfIndex } from "./testing/text-of-index.ts";
import { smallEstate } from "./testing/small-estate.ts";

const documentsOf = (text: string): unknown[] => {
  const file = parseEstateFile(text);
  assert.deepEqual(file.faults, []);
  return file.documents.map(({ value }) => value);
};

function estate(): EstateIndex {
  const index = createEstateIndex();
  const staged = stageChanges(
    index,
    documentsOf(smallEstate).map((put) => ({ put })),
  );
  assert.deepEqual(staged.faults, []);
  return index;
}

/** The codes and places of the faults that the changes have, each as `code at path`. */
function faultsOf(index: EstateIndex, changes: readonly EstateChange[]): string[] {
  const staged = stageChanges(index, changes);
  staged.undo();
  return staged.faults.map(({ code, path }) => `${code} at ${path.join(".")}`);
}

const put = (text: string): EstateChange[] => documentsOf(text).map((document) => ({ put: document }));
const changed = (index: EstateIndex, kind: EstateDocument["kind"], name: string, spec: object): EstateChange => {
  const document = index.documents[kind].get(name);
  assert.ok(document !== undefined);
  return { put: { ...document, spec: { ...document.spec, ...spec } } };
};

describe("changes of the estate", () => {
  it("tell what is created, changed, left and deleted", () => {
    const index = estate();
    const staged = stageChanges(index, [
      ...put("{ kind: City, name: shenzhen, title: 深圳 }"),
      changed(index, "Rack", "idc2-r1", { state: "available" }),
      ...put("{ kind: City, name: shanghai }"),
      { delete: { kind: "VM", name: "idc1-v1" } },
    ]);
    assert.deepEqual(staged.faults, []);
    assert.deepEqual(
      staged.outcomes.map(({ action }) => action),
      ["unchanged", "changed", "created", "deleted"],
    );
  });

  it("are undone without a trace", () => {
    const index = estate();
    const before = textOfIndex(index);
    stageChanges(index, [
      changed(index, "Rack", "idc2-r1", { state: "available" }),
      ...put("{ kind: City, name: shanghai }"),
      { delete: { kind: "VM", name: "idc1-v1" } },
      { delete: { kind: "Subnet", name: "idc2-r1-core" } },
      { delete: { kind: "Host", name: "idc1-h1" } },
    ]).undo();
    assert.equal(textOfIndex(index), before);
  });

  it("refuse a document that is named by what stays, and name it", () => {
    const index = estate();
    const staged = stageChanges(index, [{ delete: { kind: "Rack", name: "idc1-r1" } }]);
    assert.match(staged.faults[0]?.message.en ?? "", /needed by 3: Host idc1-h1, Subnet idc1-r1-core, VM idc1-v1/);
    assert.match(staged.faults[0]?.message.zh ?? "", /仍被 3 个对象使用/);
  });

  it("may delete what is named together with what names it", () => {
    const changes: EstateChange[] = [
      { delete: { kind: "System", name: "savings" } },
      { delete: { kind: "Subsystem", name: "0101" } },
      { delete: { kind: "VM", name: "idc1-v1" } },
    ];
    assert.deepEqual(faultsOf(estate(), changes), []);
  });

  it("do not move a subnet under its machines", () => {
    const index = estate();
    assert.deepEqual(
      faultsOf(index, [
        changed(index, "Subnet", "idc1-r1-core", {
          cidr: "10.71.0.0/23",
        }),
      ]),
      ["field-frozen at spec.cidr"],
    );
    assert.deepEqual(faultsOf(index, [changed(index, "Subnet", "idc2-r1-core", { cidr: "10.72.0.0/23" })]), []);
  });

  const cases: [string, (index: EstateIndex) => EstateChange[], string[]][] = [
    [
      "a CIDR that holds another",
      () =>
        put(
          "{ kind: Subnet, name: wide, spec: { rack: idc1-r1, area: dmz, cidr: 10.71.0.0/16, gateway: 10.71.200.1 } }",
        ),
      ["cidr-overlaps at spec.cidr"],
    ],
    [
      "a network address as gateway",
      (index) => [changed(index, "Subnet", "idc2-r1-core", { gateway: "10.72.1.0" })],
      ["gateway-outside at spec.gateway"],
    ],
    [
      "a gateway in a range",
      (index) => [changed(index, "Subnet", "idc2-r1-core", { gateway: "10.72.1.150" })],
      ["gateway-in-range at spec.fixed"],
    ],
    [
      "a gateway that a machine has",
      (index) => [changed(index, "Subnet", "idc1-r1-core", { gateway: "10.71.1.1" })],
      ["gateway-taken at spec.gateway"],
    ],
    [
      "a range over machines",
      (index) => [changed(index, "Subnet", "idc1-r1-core", { dynamic: "10.71.1.10-10.71.1.99" })],
      ["range-holds-addresses at spec.dynamic"],
    ],
    [
      "a host of another data centre's cluster",
      (index) => [changed(index, "Host", "idc1-h1", { cluster: "idc2-c1" })],
      ["host-cluster-idc at spec.cluster"],
    ],
    [
      "a host that leaves a pool whose guarantees need it",
      (index) => [changed(index, "Host", "idc1-h1", { capacity: { cpuMilli: 10000, memoryMiB: 65536 } })],
      ["guarantees-exceed-pool at spec.capacity"],
    ],
    [
      "a deletion that takes a pool's only host",
      () => [{ delete: { kind: "Host", name: "idc1-h1" } }],
      ["guarantees-exceed-pool at ", "guarantees-exceed-pool at "],
    ],
    [
      "a VM in another data centre than its DCN",
      (index) => [changed(index, "VM", "idc1-v1", { rack: "idc2-r1", addresses: { core: "10.72.1.11" } })],
      ["vm-dcn-idc at spec.dcn"],
    ],
    [
      "a second DCN of the group in the data centre",
      () => put("{ kind: DCN, name: 1C3, spec: { group: 1C, idc: idc1, environment: production, role: standby } }"),
      ["dcn-group-idc at spec.idc"],
    ],
    [
      "a DCN of another environment than its group",
      (index) => [changed(index, "DCN", "1C2", { environment: "uat" })],
      ["dcn-group-environment at spec.environment"],
    ],
    [
      "a DCN of ADM with another group's name",
      () =>
        put(
          "[{ kind: DCNGroup, name: ADM }, { kind: DCN, name: 1C9, spec: { group: ADM, idc: idc1, environment: uat, role: active } }]",
        ),
      ["dcn-name-other-group at spec.group"],
    ],
    [
      "IPv6",
      (index) => [changed(index, "Subnet", "idc2-r1-core", { cidr: "2001:db8::/64", gateway: "fe80::1%eth0" })],
      ["ipv6-unsupported at spec.cidr", "ipv6-unsupported at spec.gateway"],
    ],
    [
      "the same document twice",
      () => put("[{ kind: City, name: a }, { kind: City, name: a }]"),
      ["document-repeated at name"],
    ],
    [
      "an address of two machines of one file, once",
      () =>
        put(
          "[{ kind: VM, name: a, spec: { rack: idc1-r1, addresses: { core: 10.71.1.12 } } }, { kind: VM, name: b, spec: { rack: idc1-r1, addresses: { core: 10.71.1.12 } } }]",
        ),
      ["address-taken at spec.addresses.core"],
    ],
    ["deleting what is not there", () => [{ delete: { kind: "City", name: "shenzen" } }], ["nothing-to-delete at "]],
  ];
  for (const [what, changes, faults] of cases) {
    it(`refuse ${what}`, () => {
      const index = estate();
      assert.deepEqual(faultsOf(index, changes(index)), faults);
    });
  }

  it("keep silent about what who asks may not know of", () => {
    const index = estate();
    const hidden = (ref: { kind: string; name: string }) => !ref.name.startsWith("idc1");
    const staged = stageChanges(
      index,
      [
        ...put("{ kind: VM, name: other, spec: { rack: idc1-r1, addresses: { core: 10.71.1.11 } } }"),
        { delete: { kind: "Cluster", name: "idc1-c2" } },
        { delete: { kind: "City", name: "shenzhen" } },
      ],
      hidden,
    );
    staged.undo();
    const said = staged.faults.map(({ message, remedy }) => `${message.en} ${remedy.en}`);
    assert.equal(staged.faults.length, 4);
    assert.match(said[0] ?? "", /there is no Rack idc1-r1 did you mean idc2-r1/);
    assert.match(said[1] ?? "", /already the address of …/);
    assert.match(said[2] ?? "", /no Cluster idc1-c2 to delete did you mean idc2-c1/);
    assert.match(said[3] ?? "", /needed by 2: IDC idc2, …/);
  });

  it("suggest the name that was meant", () => {
    const index = estate();
    const staged = stageChanges(index, [changed(index, "Host", "idc1-h1", { rack: "idc1-r2" })]);
    assert.match(staged.faults[0]?.remedy.en ?? "", /did you mean idc1-r1\?/);
  });

  it("of 20,000 hosts and 2,000 subnets are checked in seconds, and one of them in no time", () => {
    const documents = largeEstate({ racks: 1000, hostsPerRack: 20, subnetsPerRack: 2 });
    const index = createEstateIndex();
    // Processor time: what else runs on the machine is not ours to measure.
    const started = process.cpuUsage();
    const staged = stageChanges(
      index,
      documents.map((document) => ({ put: document })),
    );
    const tookMs = process.cpuUsage(started).user / 1000;
    assert.deepEqual(staged.faults, []);
    assert.ok(tookMs < 8000, `${tookMs} ms`);
    const again = performance.now();
    stageChanges(index, [changed(index, "Host", "idc1-r0-h1", { state: "offline" })]);
    assert.ok(performance.now() - again < 500);
  });
});
