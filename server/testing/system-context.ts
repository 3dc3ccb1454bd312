import type { ActContext } from "../database/transaction.ts";

/** The context of what a test does without a request. */
export const systemContext: ActContext = {
  actor: { kind: "System", name: "test", tokenId: null },
  from: "local",
  requestId: "test",
  act: "test.act",
  reason: null,
  ticket: null,
};
