import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { reaches, reachesAnything, reachOf, type Grant, type Scope } from "./index.ts";

const everything: Grant = {
  effect: "allow",
  verbs: ["*"],
  resources: ["*"],
  businesses: null,
  environments: null,
  dcnGroups: null,
};
const nowhere: Scope = { business: null, environment: null, dcnGroup: null };
const may = (
  grants: readonly Grant[],
  verb: string,
  resource: string,
  scope: Partial<Scope>,
  shared = false,
): boolean => reaches(reachOf(grants, { verb, resource, shared }), { ...nowhere, ...scope });

describe("access rights", () => {
  it("allow nothing without a grant", () => {
    assert.equal(may([], "get", "systems", { business: "retail" }), false);
    assert.equal(reachesAnything(reachOf([], { verb: "get", resource: "systems", shared: true })), false);
  });

  it("bind a role to a business", () => {
    const grants = [{ ...everything, businesses: ["retail"] }];
    assert.equal(may(grants, "update", "systems", { business: "retail" }), true);
    assert.equal(may(grants, "get", "systems", { business: "cards" }), false);
    assert.equal(may(grants, "get", "hosts", {}), false, "what belongs to no business is not theirs");
    assert.equal(may(grants, "get", "classes", {}, true), true, "but common ground may be read");
    assert.equal(may(grants, "update", "classes", {}, true), false, "and not changed");
  });

  it("bind a role to environments and DCN groups", () => {
    const grants = [{ ...everything, environments: ["sit"], dcnGroups: ["1C"] }];
    assert.equal(may(grants, "update", "instances", { environment: "sit", dcnGroup: "1C" }), true);
    assert.equal(may(grants, "update", "instances", { environment: "production", dcnGroup: "1C" }), false);
    assert.equal(may(grants, "update", "instances", { environment: "sit", dcnGroup: "2C" }), false);
    assert.equal(may(grants, "get", "subsystems", { business: "retail" }), true, "reading what has no environment");
    assert.equal(may(grants, "update", "subsystems", { business: "retail" }), false, "it is in production as well");
  });

  it("let a deny win over every allow", () => {
    const deny: Grant = { ...everything, effect: "deny", verbs: ["delete"], environments: ["production"] };
    assert.equal(may([everything, deny], "delete", "hosts", { environment: "production" }), false);
    assert.equal(may([everything, deny], "delete", "hosts", { environment: "sit" }), true);
    assert.equal(may([everything, deny], "get", "hosts", { environment: "production" }), true);
  });

  const list = fc.option(fc.uniqueArray(fc.constantFrom("a", "b", "c"), { maxLength: 2 }), { nil: null });
  const grant: fc.Arbitrary<Grant> = fc.record({
    effect: fc.constantFrom("allow" as const, "deny" as const),
    verbs: fc.constantFrom(["*"], ["get"], ["update", "get"]),
    resources: fc.constantFrom(["*"], ["hosts"]),
    businesses: list,
    environments: list,
    dcnGroups: list,
  });
  const value = fc.option(fc.constantFrom("a", "b", "c"), { nil: null });
  const scope = fc.record({ business: value, environment: value, dcnGroup: value });

  it("never grow when a deny is added, and never shrink when an allow is", () => {
    fc.assert(
      fc.property(
        fc.array(grant, { maxLength: 5 }),
        grant,
        scope,
        fc.constantFrom("get", "update"),
        fc.boolean(),
        (grants, extra, scope, verb, shared) => {
          const before = may(grants, verb, "hosts", scope, shared);
          const after = may([...grants, extra], verb, "hosts", scope, shared);
          if (extra.effect === "deny") assert.ok(!after || before);
          else assert.ok(!before || after);
        },
      ),
      { seed: 5, numRuns: 500 },
    );
  });

  it("never reach another business's record with grants bound to one's own", () => {
    fc.assert(
      fc.property(fc.array(grant, { maxLength: 5 }), scope, fc.boolean(), (grants, scope, shared) => {
        const own = grants.map((grant) => ({ ...grant, businesses: ["a"] }));
        if (scope.business !== "a" && scope.business !== null) {
          assert.equal(may(own, "get", "hosts", scope, shared), false);
        }
      }),
      { seed: 5, numRuns: 500 },
    );
  });
});
