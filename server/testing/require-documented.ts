import assert from "node:assert/strict";
import { errorCodesOf, problemCodes, type Operation, type Problem } from "@wcs/api";
import type { AttemptAnswer } from "./try-operation.ts";

/** The contract names the answer. What is right for each status was held against its schema by the server itself (`checkAnswer`), which answers 500 otherwise. */
export function requireDocumented(operation: Operation, { status, text, mediaType }: AttemptAnswer): void {
  assert.notEqual(status, 500, text);
  if (Object.keys(operation.answers).includes(String(status))) return;
  assert.match(mediaType, /^application\/problem\+json/, `${status}: ${text}`);
  const { code } = JSON.parse(text) as Problem;
  assert.equal(problemCodes[code as keyof typeof problemCodes].status, status);
  assert.ok(
    (errorCodesOf(operation) as readonly string[]).includes(code),
    `${operation.id} does not name ${code}: ${text}`,
  );
}
