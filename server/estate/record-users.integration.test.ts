import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ProblemError, type Problem } from "@wcs/api";
import { accessOperations } from "@wcs/api/access";
import { changeEstate, estateOperations, listUses } from "@wcs/api/estate";
import { tokenOperations } from "@wcs/api/token";
import { estateKindNames, parseEstateFile, type EstateKind } from "@wcs/core/estate";
import {
  startTestPostgres,
  startTestServer,
  type TestDatabase,
  type TestPostgres,
  type TestServer,
} from "../testing/index.ts";
import { addInstance } from "../testing/add-instance.ts";
import { bankEstate } from "./testing/bank-estate.ts";
import { estateTable } from "./estate-tables.ts";

const [, createToken, revokeToken] = tokenOperations;

async function problemOf(call: Promise<unknown>): Promise<Problem> {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof ProblemError, String(error));
    return error.problem;
  }
  throw new Error("the call should have been refused");
}

describe("a document of the estate that is used", () => {
  let postgres: TestPostgres;
  let database: TestDatabase;
  let server: TestServer;
  before(async () => {
    postgres = await startTestPostgres();
    database = await postgres.createDatabase();
    server = await startTestServer(database);
    await server.admin.call(changeEstate, {
      body: { documents: parseEstateFile(bankEstate).documents.map(({ value }) => value) },
    });
  });
  after(async () => {
    await server.stop();
    await postgres.stop();
  });

  const remove = (kind: EstateKind, name: string) =>
    server.admin.call(estateOperations[kind].remove, { params: { name }, ticket: "CHG1" });
  const uses = async (kind: EstateKind, name: string): Promise<readonly string[]> => {
    const { body } = await server.admin.call(listUses, { query: { kind, name } });
    return body.items.map((user) => `${user.kind} ${user.name}`);
  };
  const refused = async (kind: EstateKind, name: string, by: string): Promise<void> => {
    const problem = await problemOf(remove(kind, name));
    assert.equal(problem.code, "resource.referenced", JSON.stringify(problem));
    assert.ok(
      problem.errors?.some(({ message }) => message.includes(by)),
      JSON.stringify(problem.errors),
    );
    assert.ok((await uses(kind, name)).includes(by), `${by} is not among ${(await uses(kind, name)).join(", ")}`);
  };
  const put = (kind: EstateKind, name: string, spec: object = {}) =>
    server.admin.call(changeEstate, { body: { documents: [{ kind, name, spec }] }, ticket: "CHG1" });

  it("is not deleted while a group, service account, role binding or token names it, and can be afterwards", async () => {
    const { admin } = server;
    const environment = { ticketRequired: false, approvals: 0 };
    await put("Person", "zhao-min");
    await put("Business", "loans");
    await put("Environment", "uat", environment);
    await put("DCNGroup", "9Z");
    const group = { name: "loans-ops", spec: { business: "loans", members: ["zhao-min"] } };
    await admin.call(accessOperations.Group.create, { query: {}, body: group });
    await admin.call(accessOperations.ServiceAccount.create, {
      query: {},
      body: { name: "loans-ci", spec: { business: "loans" } },
    });
    const rules = [{ effect: "allow" as const, verbs: ["get"], resources: ["*"] }];
    await admin.call(accessOperations.Role.create, { query: {}, body: { name: "reader", spec: { rules } } });
    const spec = {
      role: "reader",
      subjects: [{ kind: "Person" as const, name: "zhao-min" }],
      businesses: ["loans"],
      environments: ["uat"],
      dcnGroups: ["9Z"],
    };
    await admin.call(accessOperations.RoleBinding.create, { query: {}, body: { name: "loans-reader", spec } });
    const token = await admin.call(createToken, {
      query: {},
      body: {
        subject: { kind: "Person", name: "zhao-min" },
        scope: { businesses: ["loans"], environments: ["uat"] },
        lifetimeHours: 1,
      },
    });
    const accountToken = await admin.call(createToken, {
      query: {},
      body: { subject: { kind: "ServiceAccount", name: "loans-ci" }, lifetimeHours: 1 },
    });
    const { id } = token.body.token;
    for (const by of ["Group loans-ops", "RoleBinding loans-reader", `Token ${id}`]) {
      await refused("Person", "zhao-min", by);
    }
    for (const by of ["Group loans-ops", "ServiceAccount loans-ci", "RoleBinding loans-reader", `Token ${id}`]) {
      await refused("Business", "loans", by);
    }
    for (const by of ["RoleBinding loans-reader", `Token ${id}`]) await refused("Environment", "uat", by);
    await refused("DCNGroup", "9Z", "RoleBinding loans-reader");

    await admin.call(accessOperations.RoleBinding.remove, { params: { name: "loans-reader" } });
    await admin.call(accessOperations.Group.remove, { params: { name: "loans-ops" } });
    await refused("Person", "zhao-min", `Token ${id}`);
    await admin.call(revokeToken, { params: { id } });
    const kept = await problemOf(admin.call(accessOperations.ServiceAccount.remove, { params: { name: "loans-ci" } }));
    assert.deepEqual(kept.errors?.[0]?.name, accountToken.body.token.id);
    await admin.call(revokeToken, { params: { id: accountToken.body.token.id } });
    await admin.call(accessOperations.ServiceAccount.remove, { params: { name: "loans-ci" } });
    for (const [kind, name] of [
      ["Person", "zhao-min"],
      ["Business", "loans"],
      ["Environment", "uat"],
      ["DCNGroup", "9Z"],
    ] as const) {
      assert.deepEqual(await uses(kind, name), []);
      await remove(kind, name);
    }
  });

  it("can't be named by a token when it is not there", async () => {
    const problem = await problemOf(
      server.admin.call(createToken, {
        query: {},
        body: { subject: { kind: "Person", name: "wang-wei" }, scope: { businesses: ["nobody"] }, lifetimeHours: 1 },
      }),
    );
    assert.equal(problem.code, "resource.reference-missing");
    assert.equal(problem.errors?.[0]?.name, "nobody");
  });

  it("goes when the instances that stood on it are retired, whose history keeps its name", async () => {
    const { body: host } = await server.admin.call(estateOperations.Host.get, { params: { name: "idc1-h1" } });
    const spec = { ...host.spec, pool: undefined, addresses: { core: "10.71.1.77" } };
    await put("Host", "idc1-h9", spec);
    await put("Class", "1C1G", { cpuMilli: 1000, memoryMiB: 1024 });
    await addInstance(database.owner, { name: "savings-9", host: "idc1-h9", class: "1C1G" });
    await refused("Host", "idc1-h9", "Instance savings-9");
    await refused("Class", "1C1G", "Instance savings-9");
    // The database itself holds it, whoever deletes.
    await assert.rejects(database.owner.query("DELETE FROM hosts WHERE name = 'idc1-h9'"), /violates foreign key/);
    await database.owner.query("UPDATE instances SET retired_at = now() WHERE name = 'savings-9'");
    assert.deepEqual(await uses("Host", "idc1-h9"), []);
    await remove("Host", "idc1-h9");
    await remove("Class", "1C1G");
    const { rows } = await database.owner.query("SELECT host, class FROM instances WHERE name = 'savings-9'");
    assert.deepEqual(rows, [{ host: "idc1-h9", class: "1C1G" }]);
  });

  it("tells of every table that keeps documents from being deleted: a new foreign key needs a line among the users", async () => {
    // What follows from another reference of the same record.
    const following = new Set(["subsystems.business"]);
    const sources = [
      "./estate-users.ts",
      "../access/access-users.ts",
      "../cluster/cluster-users.ts",
      "../instance/instance-users.ts",
      "../release/release-users.ts",
      "../request/request-users.ts",
      "../template/template-users.ts",
      "../token/token-users.ts",
    ];
    const { readFileSync } = await import("node:fs");
    const text = sources.map((file) => readFileSync(new URL(file, import.meta.url), "utf8")).join("\n");
    const kindOf = new Map(estateKindNames.map((kind) => [estateTable(kind), kind]));
    const { rows } = await database.owner.query<{ table: string; column: string; target: string }>(
      `SELECT c.conrelid::regclass::text AS table, a.attname AS column, c.confrelid::regclass::text AS target
       FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
       WHERE c.contype = 'f' AND c.confdeltype <> 'c' AND c.connamespace = 'wcs'::regnamespace`,
    );
    const references = rows.filter(({ target }) => kindOf.has(target));
    assert.ok(references.length > 30, String(references.length));
    for (const { table, column, target } of references) {
      if (following.has(`${table}.${column}`)) continue;
      const by = kindOf.get(table);
      const of = kindOf.get(target) ?? "";
      const told =
        by === undefined
          ? new RegExp(`"${column}"|\\b[tl]\\.${column}\\b`).test(text) && text.includes(table)
          : text.includes(`column("${of}", "${by}", "${column}")`);
      assert.ok(told, `${table}.${column} refers to ${target}, and no record user tells of it`);
    }
  });
});
