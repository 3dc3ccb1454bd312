import assert from "node:assert/strict";
import { it } from "node:test";
import { sameDrift } from "./save-instance.ts";

it("knows a difference again that the database gives back with its members in another order", () => {
  const seen = [
    { action: "report", object: "Pod", path: "spec.x", meant: undefined, found: { b: 1, a: 2 }, reason: "why" },
  ] as const;
  const kept = [
    { path: "spec.x", found: { a: 2, b: 1 }, action: "report", object: "Pod", reason: "why" },
  ] as unknown as typeof seen;
  assert.ok(sameDrift(kept, seen));
  assert.ok(!sameDrift(kept, [{ ...seen[0], reason: "another" }]));
});
