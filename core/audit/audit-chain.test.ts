import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { chainHash, chainStart, verifyChain, type ChainHead, type ChainRow } from "./index.ts";

function chainOf(entries: readonly string[]): ChainRow[] {
  let previous = chainStart;
  return entries.map((entry, index) => {
    const row = { chain: 3, sequence: index + 1, entry };
    previous = chainHash(previous, row);
    return { ...row, hash: previous };
  });
}

function faultsOf(rows: readonly ChainRow[], checkpoints: readonly ChainHead[]): string[] {
  const verifier = verifyChain(3, checkpoints);
  return [...rows.flatMap((row) => verifier.next(row)), ...verifier.end()].map(
    ({ fault, sequence }) => `${fault} ${sequence}`,
  );
}

const rows = chainOf(["a", "b", "c", "d", "e"]);
const head = rows.at(-1);
const checkpoints = head === undefined ? [] : [head];

describe("the audit chain", () => {
  it("finds nothing in a whole chain", () => assert.deepEqual(faultsOf(rows, checkpoints), []));

  it("names a changed row", () => {
    const changed = rows.map((row) => (row.sequence === 2 ? { ...row, entry: "B" } : row));
    assert.deepEqual(faultsOf(changed, checkpoints), ["changed 2"]);
  });

  it("names a removed row, once", () => {
    assert.deepEqual(
      faultsOf(
        rows.filter(({ sequence }) => sequence !== 3),
        checkpoints,
      ),
      ["removed 3"],
    );
  });

  it("names reordered rows", () => {
    const swapped = rows.map((row) =>
      row.sequence === 2 ? { ...row, entry: "c" } : row.sequence === 3 ? { ...row, entry: "b" } : row,
    );
    assert.deepEqual(faultsOf(swapped, checkpoints), ["changed 2", "changed 3"]);
  });

  it("finds a removed tail, and a chain written anew, by the checkpoint", () => {
    assert.deepEqual(faultsOf(rows.slice(0, 3), checkpoints), ["truncated 4"]);
    assert.deepEqual(faultsOf(chainOf(["a", "b", "X", "d", "e"]), checkpoints), ["checkpoint-differs 5"]);
    assert.deepEqual(faultsOf([], checkpoints), ["truncated 1"]);
  });

  it("finds any single edit", () => {
    fc.assert(
      fc.property(fc.nat(4), fc.string(), (index, text) => {
        const edited = rows.map((row, at) => (at === index ? { ...row, entry: text } : row));
        const isSame = rows[index]?.entry === text;
        assert.equal(faultsOf(edited, checkpoints).length > 0, !isSame);
      }),
      { seed: 3 },
    );
  });
});
