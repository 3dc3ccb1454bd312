import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ProblemError, type Client } from "@wcs/api";
import { accessOperations } from "@wcs/api/access";
import { tokenOperations } from "@wcs/api/token";
import { makeBank } from "../testing/make-bank.ts";
import { startTestPostgres, type TestPostgres } from "../testing/test-postgres.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";

const [listTokens, createToken, revokeToken] = tokenOperations;
const { Group, Role, RoleBinding, ServiceAccount } = accessOperations;

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "done";
  } catch (error) {
    assert.ok(error instanceof ProblemError, String(error));
    return error.problem.code;
  }
}

describe("people and rights", () => {
  let postgres: TestPostgres;
  let server: TestServer;
  let admin: Client;
  before(async () => {
    postgres = await startTestPostgres();
  });
  after(() => postgres.stop());
  beforeEach(async (context) => {
    server = await startTestServer(await postgres.createDatabase());
    admin = server.admin;
    await makeBank(admin);
    if ("after" in context) context.after(() => server.stop());
  });

  async function makeAccount(name: string, role: string, bounds: { businesses?: string[]; environments?: string[] }) {
    const [business] = bounds.businesses ?? [];
    await admin.call(ServiceAccount.create, {
      query: {},
      body: { name, spec: business === undefined ? {} : { business } },
    });
    const spec = { role, subjects: [{ kind: "ServiceAccount" as const, name }], ...bounds };
    await admin.call(RoleBinding.create, { query: {}, body: { name, spec } });
    return await tokenFor(name);
  }

  async function tokenFor(name: string, scope?: { verbs: string[] }): Promise<Client> {
    const { body } = await admin.call(createToken, {
      query: {},
      body: {
        subject: { kind: "ServiceAccount", name },
        lifetimeHours: 1,
        ...(scope === undefined ? {} : { scope }),
      },
    });
    return server.clientOf(body.text);
  }

  async function makeRole(name: string, rules: { effect: "allow" | "deny"; verbs: string[]; resources: string[] }[]) {
    await admin.call(Role.create, { query: {}, body: { name, spec: { rules } } });
  }

  it("bind a role to a business, and let its accounts see and touch nothing of another", async () => {
    await makeRole("owner", [{ effect: "allow", verbs: ["*"], resources: ["*"] }]);
    const retail = await makeAccount("retail-ci", "owner", { businesses: ["retail"] });
    const cards = await makeAccount("cards-ci", "owner", { businesses: ["cards"] });
    const group = { name: "retail-ops", spec: { business: "retail", members: [] } };
    await retail.call(Group.create, { query: {}, body: group });

    assert.equal(await codeOf(cards.call(Group.get, { params: { name: "retail-ops" } })), "resource.not-found");
    assert.equal(
      await codeOf(cards.call(Group.remove, { params: { name: "retail-ops" }, query: {} })),
      "resource.not-found",
    );
    const replace = { params: { name: "retail-ops" }, query: {}, body: { spec: { business: "cards", members: [] } } };
    assert.equal(await codeOf(cards.call(Group.replace, replace)), "resource.not-found");
    const forRetail = { name: "x", spec: { business: "retail", members: [] } };
    assert.equal(await codeOf(cards.call(Group.create, { query: {}, body: forRetail })), "auth.forbidden");
    assert.deepEqual((await cards.call(Group.list, {})).body.items, []);
    const seen = (await cards.call(RoleBinding.list, {})).body.items.map(({ name }) => name);
    assert.deepEqual(seen, ["cards-ci"]);
    assert.equal((await retail.call(Group.list, {})).body.items.length, 1);
  });

  it("let a deny win", async () => {
    await makeRole("editor", [{ effect: "allow", verbs: ["*"], resources: ["groups"] }]);
    await makeRole("no-delete", [{ effect: "deny", verbs: ["delete"], resources: ["groups"] }]);
    const client = await makeAccount("ci", "editor", {});
    await client.call(Group.create, { query: {}, body: { name: "a", spec: { members: [] } } });
    const spec = { role: "no-delete", subjects: [{ kind: "ServiceAccount" as const, name: "ci" }] };
    await admin.call(RoleBinding.create, { query: {}, body: { name: "deny", spec } });
    await sleep(1100);
    assert.equal(await codeOf(client.call(Group.remove, { params: { name: "a" }, query: {} })), "auth.forbidden");
    assert.equal(await codeOf(client.call(Group.get, { params: { name: "a" } })), "done");
  });

  it("give nobody the means to gain more rights than they have", async () => {
    await makeRole("admin", [{ effect: "allow", verbs: ["*"], resources: ["*"] }]);
    await makeRole("binder", [{ effect: "allow", verbs: ["*"], resources: ["role-bindings", "roles", "tokens"] }]);
    const client = await makeAccount("binder", "binder", { businesses: ["retail"] });
    const spec = {
      role: "admin",
      subjects: [{ kind: "ServiceAccount" as const, name: "binder" }],
      businesses: ["retail"],
    };
    assert.equal(
      await codeOf(client.call(RoleBinding.create, { query: {}, body: { name: "up", spec } })),
      "access.exceeds-own",
    );
    const wide = { role: "binder", subjects: spec.subjects };
    assert.equal(
      await codeOf(client.call(RoleBinding.create, { query: {}, body: { name: "up", spec: wide } })),
      "auth.forbidden",
    );
    await admin.call(ServiceAccount.create, { query: {}, body: { name: "platform", spec: {} } });
    const steal = { subject: { kind: "ServiceAccount" as const, name: "platform" }, lifetimeHours: 1 };
    assert.equal(await codeOf(client.call(createToken, { query: {}, body: steal })), "resource.not-found");
  });

  it("hold tokens to their scope, and end them when they expire or are revoked", async () => {
    await makeRole("editor", [{ effect: "allow", verbs: ["*"], resources: ["groups"] }]);
    await makeAccount("ci", "editor", {});
    const reader = await tokenFor("ci", { verbs: ["get", "list"] });
    assert.equal(await codeOf(reader.call(Group.list, {})), "done");
    assert.equal(
      await codeOf(reader.call(Group.create, { query: {}, body: { name: "a", spec: { members: [] } } })),
      "auth.forbidden",
    );
    const own = await reader.call(createToken, { query: {}, body: { lifetimeHours: 1 } });
    assert.deepEqual(own.body.token.scope, { verbs: ["get", "list"] }, "a scoped token makes no wider one");
    const wider = { lifetimeHours: 1, scope: { verbs: ["delete"] } };
    assert.equal(await codeOf(reader.call(createToken, { query: {}, body: wider })), "token.exceeds-own");

    const child = server.clientOf(own.body.text);
    assert.equal(await codeOf(child.call(Group.list, {})), "done");
    await admin.call(revokeToken, { params: { id: own.body.token.id }, query: {} });
    await sleep(1100);
    assert.equal(await codeOf(child.call(Group.list, {})), "auth.missing");
    const { body } = await reader.call(listTokens, { query: {} });
    assert.ok(body.items.every(({ subject }) => subject.name === "ci"));
    await server.running.platform.database.query("UPDATE tokens SET expires_at = now() WHERE subject_name = 'ci'");
    await sleep(1100);
    assert.equal(await codeOf(reader.call(Group.list, {})), "auth.missing");
  });

  it("refuse to delete what a role binding refers to, and name it", async () => {
    await makeRole("editor", [{ effect: "allow", verbs: ["*"], resources: ["groups"] }]);
    await makeAccount("ci", "editor", {});
    const removing = admin.call(Role.remove, { params: { name: "editor" }, query: {} });
    await assert.rejects(removing, (error) => {
      assert.ok(error instanceof ProblemError);
      assert.equal(error.problem.code, "resource.referenced");
      assert.deepEqual(
        error.problem.errors?.map(({ name }) => name),
        ["ci"],
      );
      return true;
    });
  });

  it("change a record only at the version that the caller read", async () => {
    await admin.call(Group.create, { query: {}, body: { name: "a", spec: { members: [] } } });
    const { etag } = await admin.call(Group.get, { params: { name: "a" } });
    assert.equal(etag, '"1"');
    const change = { params: { name: "a" }, query: {}, body: { title: "甲", spec: { members: [] } }, ifMatch: '"1"' };
    assert.equal((await admin.call(Group.replace, change)).etag, '"2"');
    assert.equal(await codeOf(admin.call(Group.replace, change)), "resource.version-mismatch");
    assert.equal(
      await codeOf(admin.call(Group.remove, { params: { name: "a" }, query: {}, ifMatch: '"1"' })),
      "resource.version-mismatch",
    );
  });

  it("replay the stored answer of an Idempotency-Key, also to those who ask at once, and refuse the key for another request", async () => {
    const input = { query: {}, body: { name: "a", spec: { members: [] } }, idempotencyKey: "k1" };
    const answers = await Promise.all(Array.from({ length: 8 }, () => admin.call(Group.create, input)));
    assert.equal(answers.filter(({ replayed }) => !replayed).length, 1);
    assert.equal(new Set(answers.map(({ body }) => JSON.stringify(body))).size, 1);
    assert.equal(new Set(answers.map(({ etag }) => etag)).size, 1);
    const other = { ...input, body: { name: "b", spec: { members: [] } } };
    assert.equal(await codeOf(admin.call(Group.create, other)), "idempotency.key-reused");
    const failing = { ...input, idempotencyKey: "k2" };
    assert.equal(await codeOf(admin.call(Group.create, failing)), "resource.exists");
    await admin.call(Group.remove, { params: { name: "a" }, query: {} });
    assert.equal(await codeOf(admin.call(Group.create, failing)), "done", "a refusal is not stored");
  });

  it("give a token once more for its key, and keep it sealed meanwhile", async () => {
    await admin.call(ServiceAccount.create, { query: {}, body: { name: "sealed", spec: {} } });
    const body = { subject: { kind: "ServiceAccount" as const, name: "sealed" }, lifetimeHours: 1 };
    const input = { query: {}, body, idempotencyKey: "k3" };
    const { text } = (await admin.call(createToken, input)).body;
    assert.equal((await admin.call(createToken, input)).body.text, text);
    const rows = await server.running.platform.database.query(
      "SELECT body::text FROM idempotency_keys WHERE key = 'k3'",
    );
    assert.equal(rows.length, 1);
    assert.ok(!JSON.stringify(rows).includes(text.slice(-43)), "what is stored has the token");
  });

  it("change nothing in a dry run", async () => {
    const input = { query: { dryRun: true }, body: { name: "a", spec: { members: [] } }, idempotencyKey: "k1" };
    assert.equal((await admin.call(Group.create, input)).status, 201);
    assert.deepEqual((await admin.call(Group.list, {})).body.items, []);
    const rows = await server.running.platform.database.query(
      "SELECT 1 FROM events WHERE kind = 'Group' UNION ALL SELECT 1 FROM idempotency_keys",
    );
    assert.deepEqual(rows, []);
  });
});
