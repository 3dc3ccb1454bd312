import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import { errorsPage } from "./errors-page.ts";

it("docs/errors.md lists every code as it is", () => {
  const page = readFileSync(`${import.meta.dirname}/../../docs/errors.md`, "utf8");
  assert.equal(page, errorsPage(), "run: node api/problem/write-errors-page.ts");
});
