import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { reaches, reachOf, type Grant, type Scope } from "@wcs/core/access-rights";
import * as fc from "fast-check";
import { startTestPostgres, type TestPostgres } from "../testing/test-postgres.ts";
import { scopeCondition } from "./scope-condition.ts";

let postgres: TestPostgres;
before(async () => {
  postgres = await startTestPostgres();
});
after(() => postgres.stop());

const values = [null, "a", "b"];
const scopes: readonly Scope[] = values.flatMap((business) =>
  values.flatMap((environment) => values.map((dcnGroup) => ({ business, environment, dcnGroup }))),
);
const list = fc.option(fc.uniqueArray(fc.constantFrom("a", "b"), { maxLength: 2 }), { nil: null });
const grant: fc.Arbitrary<Grant> = fc.record({
  effect: fc.constantFrom("allow" as const, "deny" as const),
  verbs: fc.constant(["*"]),
  resources: fc.constant(["*"]),
  businesses: list,
  environments: list,
  dcnGroups: list,
});

it("the SQL condition reaches exactly the rows that the rule reaches", async () => {
  const { server } = await postgres.createDatabase();
  await fc.assert(
    fc.asyncProperty(
      fc.array(grant, { maxLength: 4 }),
      fc.constantFrom("get", "update"),
      fc.boolean(),
      async (grants, verb, shared) => {
        const reach = reachOf(grants, { verb, resource: "x", shared });
        const columns = { business: "r.business", environment: "r.environment", dcnGroup: 'r."dcnGroup"' };
        const condition = scopeCondition(reach, columns, 2);
        const rows = await server.query<Scope & Record<string, unknown>>(
          `SELECT r.* FROM jsonb_to_recordset($1) AS r (business text, environment text, "dcnGroup" text) WHERE ${condition.text}`,
          [JSON.stringify(scopes), ...condition.values],
        );
        assert.deepEqual(
          rows,
          scopes.filter((scope) => reaches(reach, scope)),
        );
      },
    ),
    { seed: 9, numRuns: 150 },
  );
});
