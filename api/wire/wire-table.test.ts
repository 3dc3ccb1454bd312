import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { operations } from "../operations.ts";
import { wireTable } from "./wire-table.ts";
import { operationOnWire } from "./operation-on-wire.ts";

describe("operations on the wire", () => {
  it("are the operations: after one was added or moved, run `node api/wire/write-wire-table.ts && npm run format`", () => {
    assert.deepEqual(Object.keys(wireTable).sort(), operations.map(({ id }) => id).sort());
    for (const { id, method, path, bodyMediaType, answerMediaType } of operations) {
      const wanted = { id, method, path, bodyMediaType, answerMediaType };
      assert.deepEqual({ bodyMediaType: undefined, answerMediaType: undefined, ...operationOnWire(id) }, wanted);
    }
  });

  it("refuse an id that there is not", () => {
    assert.throws(() => operationOnWire("nothing.get"), /there is no operation nothing.get/);
  });
});
