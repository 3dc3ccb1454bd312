import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import { createEstateIndex, estateKindNames, parseEstateFile, stageChanges } from "@wcs/core/estate";
import { estatePage } from "./estate-page.ts";

const docs = `${import.meta.dirname}/../../docs`;
const example = readFileSync(`${docs}/estate.example.yaml`, "utf8");

it("docs/estate.md is what its schemas and the example say; else run api/estate/write-estate-page.ts", () => {
  assert.equal(readFileSync(`${docs}/estate.md`, "utf8"), estatePage(example));
});

it("the example has every kind and no fault", () => {
  const { documents, faults } = parseEstateFile(example);
  assert.deepEqual(faults, []);
  const staged = stageChanges(
    createEstateIndex(),
    documents.map(({ value }) => ({ put: value })),
  );
  assert.deepEqual(staged.faults, []);
  assert.deepEqual(new Set(staged.outcomes.map(({ ref }) => ref.kind)), new Set(estateKindNames));
});
