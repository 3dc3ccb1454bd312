import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { createEstateIndex, stageChanges, type EstateChange, type EstateDocument, type EstateIndex } from "./index.ts";
import { textOfIndex } from "./testing/text-of-index.ts";

const few = (prefix: string) => fc.integer({ min: 1, max: 3 }).map((at) => `${prefix}${at}`);
const address = fc
  .tuple(fc.integer({ min: 1, max: 2 }), fc.constantFrom(0, 1, 2, 20, 30, 254, 255))
  .map(([net, last]) => `10.0.${net}.${last}`);

const document: fc.Arbitrary<unknown> = fc.oneof(
  fc.record({ kind: fc.constant("City"), name: few("c") }),
  fc.record({ kind: fc.constant("IDC"), name: few("i"), spec: fc.record({ city: few("c") }) }),
  fc.record({
    kind: fc.constant("Area"),
    name: fc.constantFrom("core", "dmz"),
    spec: fc.constant({ external: false }),
  }),
  fc.record({ kind: fc.constant("Rack"), name: few("r"), spec: fc.record({ idc: few("i") }) }),
  fc.record({
    kind: fc.constant("Environment"),
    name: few("e"),
    spec: fc.constant({ ticketRequired: true, approvals: 1 }),
  }),
  fc.record({
    kind: fc.constant("Cluster"),
    name: few("k"),
    spec: fc.record({ idc: few("i"), environment: few("e") }),
  }),
  fc.record({ kind: fc.constant("Business"), name: few("b") }),
  fc.record({
    kind: fc.constant("Subnet"),
    name: few("s"),
    spec: fc
      .record({
        rack: few("r"),
        area: fc.constantFrom("core", "dmz"),
        net: fc.integer({ min: 0, max: 2 }),
        bits: fc.constantFrom(22, 23, 24),
      })
      .map(({ rack, area, net, bits }) => {
        const third = net & (256 - 2 ** (24 - bits));
        return {
          rack,
          area,
          cidr: `10.0.${third}.0/${bits}`,
          gateway: `10.0.${third}.254`,
          fixed: `10.0.${third}.25-10.0.${third}.99`,
        };
      }),
  }),
  fc.record({
    kind: fc.constant("Pool"),
    name: few("p"),
    spec: fc
      .record({ environment: few("e"), guarantee: fc.integer({ min: 0, max: 20_000 }) })
      .map(({ environment, guarantee }) => ({
        environment,
        quotas: {
          b1: { guarantee: { cpuMilli: guarantee, memoryMiB: 1 }, limit: { cpuMilli: 20_000, memoryMiB: 10 } },
        },
      })),
  }),
  fc.record({
    kind: fc.constant("Host"),
    name: few("h"),
    spec: fc.record({
      rack: few("r"),
      cluster: few("k"),
      pool: few("p"),
      addresses: fc.record({ core: address }),
      capacity: fc.constant({ cpuMilli: 8000, memoryMiB: 16_384 }),
    }),
  }),
  fc.record({
    kind: fc.constant("VM"),
    name: few("v"),
    spec: fc.record({ rack: few("r"), addresses: fc.record({ dmz: address }) }),
  }),
  fc.record({ kind: fc.constant("DCNGroup"), name: fc.constantFrom("1C", "2C") }),
  fc.record({
    kind: fc.constant("DCN"),
    name: fc.constantFrom("1C1", "1C2", "2C1"),
    spec: fc.record({
      group: fc.constantFrom("1C", "2C"),
      idc: few("i"),
      environment: few("e"),
      role: fc.constant("active"),
    }),
  }),
);
const change: fc.Arbitrary<EstateChange> = fc.oneof(
  { weight: 8, arbitrary: document.map((put) => ({ put })) },
  {
    weight: 1,
    arbitrary: document.map((each) => ({
      delete: { kind: (each as EstateDocument).kind, name: (each as EstateDocument).name },
    })),
  },
);

/** What only a step can break, not a state. */
const ofSteps = new Set(["field-frozen", "still-referenced", "nothing-to-delete", "document-repeated"]);

describe("changes of any estate", () => {
  it("are judged as the estate that results would be from scratch, and leave the index as if made from scratch", () => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.array(fc.array(change, { minLength: 1, maxLength: 3 }), { maxLength: 25 }), (steps) => {
        const index = createEstateIndex();
        seedPlaces(index);
        for (const step of steps) {
          const before = textOfIndex(index);
          const staged = stageChanges(index, step);
          const after = documentsOf(index);
          const fresh = stageChanges(
            createEstateIndex(),
            after.map((put) => ({ put })),
          );
          const lasting = staged.faults.filter(({ code }) => !ofSteps.has(code));
          if (staged.faults.length === lasting.length) {
            assert.equal(
              lasting.length === 0,
              fresh.faults.length === 0,
              JSON.stringify([staged.faults, fresh.faults]),
            );
          }
          if (staged.faults.length === 0) accepted += 1;
          else staged.undo();
          assert.equal(textOfIndex(index), textOfIndex(createEstateIndex(documentsOf(index))));
          if (staged.faults.length > 0) assert.equal(textOfIndex(index), before);
        }
      }),
      { seed: 7, numRuns: 150 },
    );
    assert.ok(accepted > 100, `only ${accepted} steps were accepted`);
  });

  it("never throw, whatever is put", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.jsonValue(), document.chain(damaged))), (puts) => {
        const index = createEstateIndex();
        const staged = stageChanges(
          index,
          puts.map((put) => ({ put })),
        );
        staged.undo();
        assert.equal(textOfIndex(index), textOfIndex(createEstateIndex()));
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});

/** A document with one of its fields replaced by anything. */
function damaged(value: unknown): fc.Arbitrary<unknown> {
  const { spec, ...rest } = value as Readonly<Record<string, object>>;
  const keys = Object.keys(spec ?? {});
  if (keys.length === 0) return fc.jsonValue().map((any) => ({ ...rest, spec: any }));
  return fc
    .tuple(fc.constantFrom(...keys), fc.jsonValue())
    .map(([key, any]) => ({ ...rest, spec: { ...spec, [key]: any } }));
}

function seedPlaces(index: EstateIndex): void {
  const documents = [1, 2, 3].flatMap((at) => [
    { kind: "City", name: `c${at}` },
    { kind: "IDC", name: `i${at}`, spec: { city: `c${at}` } },
    { kind: "Rack", name: `r${at}`, spec: { idc: `i${at}` } },
    { kind: "Environment", name: `e${at}`, spec: { ticketRequired: true, approvals: 1 } },
    { kind: "Cluster", name: `k${at}`, spec: { idc: `i${at}`, environment: "e1" } },
    { kind: "Pool", name: `p${at}`, spec: { environment: "e1" } },
    {
      kind: "Subnet",
      name: `s${at}`,
      spec: { rack: `r${at}`, area: "core", cidr: `10.0.${at}.0/24`, gateway: `10.0.${at}.254` },
    },
  ]);
  const more = [
    { kind: "Business", name: "b1" },
    { kind: "Area", name: "core", spec: { external: false } },
  ];
  const staged = stageChanges(
    index,
    [...documents, ...more].map((put) => ({ put })),
  );
  assert.deepEqual(staged.faults, []);
}

function documentsOf(index: EstateIndex): EstateDocument[] {
  return Object.values(index.documents).flatMap((documents) => [...documents.values()]);
}
