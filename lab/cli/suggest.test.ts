import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { suggest } from "./suggest.ts";

describe("a suggestion", () => {
  const known = ["up", "down", "status", "kubeconfig", "cut-host", "cut-idc"];
  it("is the nearest known word", () => {
    assert.equal(suggest("sttaus", known), "status");
    assert.equal(suggest("kubecofnig", known), "kubeconfig");
    assert.equal(suggest("cut-hots", known), "cut-host");
    assert.equal(suggest("dwon", known), "down");
  });
  it("is none when nothing is near", () => {
    assert.equal(suggest("elephant", known), null);
    assert.equal(suggest("x", known), null);
  });
});
