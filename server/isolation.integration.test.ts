import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { operations, type Operation } from "@wcs/api";
import { accessOperations } from "@wcs/api/access";
import { changeEstate } from "@wcs/api/estate";
import { tokenOperations } from "@wcs/api/token";
import { parseEstateFile } from "@wcs/core/estate";
import * as fc from "fast-check";
import { bankEstate } from "./estate/testing/bank-estate.ts";
import {
  startTestPostgres,
  startTestServer,
  type TestDatabase,
  type TestPostgres,
  type TestServer,
} from "./testing/index.ts";
import { requireDocumented } from "./testing/require-documented.ts";
import { attemptsOf, tryOperation } from "./testing/try-operation.ts";

/** What belongs to the business retail, by the tag of the operations that name it in their path. */
const retailNames: Readonly<Record<string, string>> = {
  businesses: "retail",
  people: "wang-wei",
  systems: "savings",
  subsystems: "0101",
  vms: "idc1-v1",
  groups: "retail-ops",
  "service-accounts": "retail-ci",
  "role-bindings": "retail-ci",
};

/** Texts that no successful answer to the business cards may have. */
const retailMarks = ["retail", "零售", "wang-wei", "savings", "0101", "idc1-v1"];

/** Anybody may ask these, by intent. */
const publicOperations = new Set(["health.live", "health.ready", "login.start", "login.finish"]);

describe("a business's token", () => {
  let postgres: TestPostgres;
  let database: TestDatabase;
  let server: TestServer;
  let cards: string;
  let retailToken: string;
  before(async () => {
    postgres = await startTestPostgres();
    database = await postgres.createDatabase();
    server = await startTestServer(database, { env: { WCS_LOG_LEVEL: "error" } });
    const { admin } = server;
    const documents = parseEstateFile(bankEstate).documents.map(({ value }) => value);
    await admin.call(changeEstate, { body: { documents } });
    const rules = [{ effect: "allow" as const, verbs: ["*"], resources: ["*"] }];
    await admin.call(accessOperations.Role.create, { query: {}, body: { name: "everything", spec: { rules } } });
    const group = { business: "retail", members: ["wang-wei"] };
    await admin.call(accessOperations.Group.create, { query: {}, body: { name: "retail-ops", spec: group } });
    const tokenOf = async (name: string, business: string) => {
      await admin.call(accessOperations.ServiceAccount.create, { query: {}, body: { name, spec: { business } } });
      const subjects = [{ kind: "ServiceAccount" as const, name }];
      const spec = { role: "everything", subjects, businesses: [business] };
      await admin.call(accessOperations.RoleBinding.create, { query: {}, body: { name, spec } });
      const body = { subject: { kind: "ServiceAccount" as const, name }, lifetimeHours: 1 };
      return (await admin.call(tokenOperations[1], { query: {}, body })).body;
    };
    cards = (await tokenOf("cards-ci", "cards")).text;
    retailToken = (await tokenOf("retail-ci", "retail")).token.id;
  });
  after(async () => {
    await server.stop();
    await postgres.stop();
  });

  const paramsFor = (operation: Operation): Record<string, string> => {
    const name = retailNames[operation.tag] ?? "retail";
    return { name, id: operation.tag === "tokens" ? retailToken : "1" };
  };

  for (const operation of operations) {
    if (publicOperations.has(operation.id)) continue;
    it(`sees and touches nothing of another business by ${operation.id}`, async () => {
      const before = await snapshot(database);
      await fc.assert(
        fc.asyncProperty(attemptsOf(operation), async (attempt) => {
          // The scope of one's own token is echoed, and gives nothing: it is left as it is.
          const body = operation.id === "tokens.create" ? attempt.body : aimed(attempt.body);
          const attempted = { ...attempt, params: { ...attempt.params, ...paramsFor(operation) }, body };
          const answered = await tryOperation(server.url, cards, operation, attempted);
          requireDocumented(operation, answered);
          const { status, text } = answered;
          assert.ok(status < 500 || status === 503, text);
          if (status >= 300) return;
          const named = operation.path.includes("{") && retailNames[operation.tag] !== undefined;
          assert.ok(!named, `${operation.method} ${operation.path} answers ${status}: ${text}`);
          for (const mark of retailMarks) assert.ok(!text.includes(mark), `the answer has "${mark}": ${text}`);
        }),
        { seed: 33, numRuns: 6 },
      );
      assert.deepEqual(await snapshot(database), before, "what is retail's has changed");
    });
  }

  it("knows every public operation by name", () => {
    const found = operations.filter(({ permission }) => permission === "public").map(({ id }) => id);
    assert.deepEqual(new Set(found), publicOperations);
  });
});

/** A body that names retail wherever a business can stand. */
function aimed(body: unknown): unknown {
  return JSON.parse(
    JSON.stringify(body ?? null, (key: string, value: unknown) => {
      if (key === "business") return "retail";
      if (key === "businesses") return ["retail"];
      return value;
    }),
  ) as unknown;
}

/** Everything of retail, whole. */
async function snapshot({ owner }: TestDatabase): Promise<unknown> {
  const tables = [
    "businesses",
    "people",
    "systems",
    "subsystems",
    "vms",
    "groups",
    "service_accounts",
    "role_bindings",
  ];
  const found: unknown[] = [];
  for (const table of tables) {
    const column = table === "businesses" ? "name" : "business";
    const { rows } = await owner.query<{ all: string }>(
      `SELECT r::text AS all FROM ${table} r WHERE ${column} = 'retail' ORDER BY name`,
    );
    found.push(rows.map((row) => row.all));
  }
  const { rows } = await owner.query("SELECT id, revoked_at FROM tokens WHERE subject_name = 'retail-ci'");
  return [...found, rows];
}
