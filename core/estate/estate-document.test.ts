import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { estateDocumentSchema, estateKindNames, estateKinds } from "./index.ts";

describe("the kinds of the estate", () => {
  it("have plurals that differ and schemas that take nothing unnamed", () => {
    const plurals = estateKindNames.map((kind) => estateKinds[kind].plural);
    assert.equal(new Set(plurals).size, plurals.length);
    for (const kind of estateKindNames) {
      const open: string[] = [];
      collectOpenObjects(estateDocumentSchema(kind), kind, open);
      assert.deepEqual(open, []);
    }
  });

  it("have names by one rule, or an id", () => {
    const cases: [keyof typeof estateKinds, string, boolean][] = [
      ["Host", "idc1-h1", true],
      ["Host", "Idc1-h1", false],
      ["Host", "idc1--h1", false],
      ["Host", "idc1-", false],
      ["Subsystem", "0101", true],
      ["Subsystem", "101", false],
      ["DCN", "1C1", true],
      ["DCN", "1c1", false],
      ["DCNGroup", "ADM", true],
      ["DCNGroup", "1C", true],
      ["DCNGroup", "1C1", false],
      ["Class", "4C8G", true],
      ["Class", "4C8G-ssd", true],
      ["Class", "tiny", true],
      ["Class", "0C8G", false],
    ];
    for (const [kind, name, good] of cases) {
      assert.equal(new RegExp(estateKinds[kind].namePattern).test(name), good, `${kind} ${name}`);
    }
  });
});

function collectOpenObjects(schema: unknown, path: string, open: string[]): void {
  if (typeof schema !== "object" || schema === null) return;
  const node = schema as Readonly<Record<string, unknown>>;
  if (node["type"] === "object" && node["additionalProperties"] !== false) open.push(path);
  for (const [key, value] of Object.entries(node)) collectOpenObjects(value, `${path}.${key}`, open);
}
