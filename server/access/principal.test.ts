import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Failure } from "../http/failure.ts";
import { nowhere } from "./nowhere.ts";
import { requireAccess, type Principal } from "./principal.ts";
import { resourceOfKind } from "./resource-of-kind.ts";

const retail: Principal = {
  kind: "Person",
  name: "alice",
  tokenId: "t",
  grants: [
    {
      effect: "allow",
      verbs: ["get", "list"],
      resources: ["*"],
      businesses: ["retail"],
      environments: null,
      dcnGroups: null,
    },
  ],
  tokenScope: null,
};

function codeOf(principal: Principal, verb: string, business: string): string | null {
  try {
    requireAccess(principal, { verb, resource: "systems", name: "s", scope: { ...nowhere, business } });
    return null;
  } catch (error) {
    assert.ok(error instanceof Failure);
    return error.code;
  }
}

describe("a principal", () => {
  it("is told that what it may not see is not there, and that what it sees it may not change", () => {
    assert.equal(codeOf(retail, "get", "retail"), null);
    assert.equal(codeOf(retail, "update", "retail"), "auth.forbidden");
    assert.equal(codeOf(retail, "get", "cards"), "resource.not-found");
    assert.equal(codeOf(retail, "update", "cards"), "resource.not-found");
  });

  it("can do no more than its token's scope", () => {
    const scoped = { ...retail, tokenScope: { verbs: ["get"], businesses: ["cards"] } };
    assert.equal(codeOf(scoped, "get", "retail"), "resource.not-found");
    assert.equal(codeOf(scoped, "get", "cards"), "resource.not-found", "a scope gives nothing");
    assert.equal(codeOf({ ...retail, tokenScope: { verbs: ["list"] } }, "get", "retail"), "resource.not-found");
  });
});

it("kinds have plural nouns", () => {
  const nouns = ["City", "Class", "Business", "Person", "DCNGroup", "Host"].map(resourceOfKind);
  assert.deepEqual(nouns, ["cities", "classes", "businesses", "people", "dcn-groups", "hosts"]);
});
