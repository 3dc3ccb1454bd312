import assert from "node:assert/strict";
import { it } from "node:test";
import { differenceKinds, leakKinds, wayOutOf } from "./index.ts";

it("every difference has a way out in both languages, that names the address where it matters", () => {
  for (const kind of [...differenceKinds, ...leakKinds, "estate-claim"] as const) {
    const { en, zh } = wayOutOf(kind, "10.71.1.100");
    assert.match(en, /^[a-z].{10,}$/, kind);
    assert.match(zh, /[\u4e00-\u9fff]/, kind);
    assert.doesNotMatch(`${en} ${zh}`, /\bIP\b/, kind);
  }
  assert.match(wayOutOf("conflict", "10.71.1.100").en, /`wcs ip clear 10\.71\.1\.100 --reason …`/);
});
