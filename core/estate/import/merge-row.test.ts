import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EstateDocument } from "../estate-document.ts";
import { importPathPattern, mergeRow } from "./merge-row.ts";

const host: EstateDocument<"Host"> = {
  kind: "Host",
  name: "h1",
  labels: { owner: "a" },
  spec: {
    rack: "r1",
    addresses: { core: "10.71.1.1" },
    capacity: { cpuMilli: 1000, memoryMiB: 1024 },
    state: "unavailable",
  },
};

describe("a row of another system", () => {
  it("goes over what is there: named fields change, empty ones stay, - takes out", () => {
    const values = {
      rack: "r2",
      "capacity.cpuMilli": "2000",
      "addresses.dmz": "10.71.9.1",
      state: "-",
      title: "",
      node: "",
    };
    assert.deepEqual(mergeRow(host, { kind: "Host", name: "h1", values }), {
      ...host,
      spec: {
        rack: "r2",
        addresses: { core: "10.71.1.1", dmz: "10.71.9.1" },
        capacity: { cpuMilli: 2000, memoryMiB: 1024 },
      },
    });
    assert.equal(host.spec.rack, "r1");
  });

  it("makes a document that was not there, with labels and title", () => {
    const values = { city: "shenzhen", title: "机房一", "labels.bank.io/owner": "x" };
    assert.deepEqual(mergeRow(undefined, { kind: "IDC", name: "idc9", values }), {
      kind: "IDC",
      name: "idc9",
      title: "机房一",
      labels: { "bank.io/owner": "x" },
      spec: { city: "shenzhen" },
    });
  });

  it("keeps what is no number a text, for the check to refuse, and makes lists and truths", () => {
    const area = mergeRow(undefined, {
      kind: "Area",
      name: "dmz",
      values: { external: "true", prefixes: "10.0.0.0/8|10.1.0.0/16" },
    });
    assert.deepEqual((area as { spec: unknown }).spec, { external: true, prefixes: ["10.0.0.0/8", "10.1.0.0/16"] });
    const broken = mergeRow(host, { kind: "Host", name: "h1", values: { "capacity.cpuMilli": "many" } });
    assert.equal((broken as typeof host).spec.capacity.cpuMilli, "many");
  });

  it("reaches nothing but the document", () => {
    assert.ok(!new RegExp(importPathPattern).test("__proto__.polluted"));
    mergeRow(host, {
      kind: "Host",
      name: "h1",
      values: { "constructor.prototype.polluted": "yes", "labels.__proto__": "yes" },
    });
    assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
  });
});
