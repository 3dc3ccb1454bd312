import assert from "node:assert/strict";
import { it } from "node:test";
import { estateKindNames, estateKinds } from "@wcs/core/estate";
import { estateNouns } from "./estate-nouns.ts";
import { resources } from "./resources.ts";

it("every kind of the estate can be asked for by the plural of its routes, and no noun means two things", () => {
  assert.deepEqual(
    estateNouns.map(({ kind, nouns }) => [kind, nouns[0]]),
    estateKindNames.map((kind) => [kind, estateKinds[kind].plural]),
  );
  const nouns = resources.flatMap((each) => each.nouns);
  assert.equal(new Set(nouns).size, nouns.length);
});
