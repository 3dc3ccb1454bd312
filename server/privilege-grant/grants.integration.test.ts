import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ProblemError, type Client } from "@wcs/api";
import { accessOperations } from "@wcs/api/access";
import { auditOperations } from "@wcs/api/audit";
import { changeEstate } from "@wcs/api/estate";
import { grantOperations } from "@wcs/api/privilege-grant";
import { tokenOperations } from "@wcs/api/token";
import { parseEstateFile } from "@wcs/core/estate";
import { bankEstate } from "../estate/testing/bank-estate.ts";
import { startTestPostgres, type TestDatabase, type TestPostgres } from "../testing/test-postgres.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { activeGrant } from "./active-grant.ts";

const [list, create, get, approve, reject, end] = grantOperations;
const wish = { grade: "raw" as const, instances: ["0101-1c1-01"], minutes: 30 };
const why = { reason: "the queue stands still" };

describe("privilege grants", () => {
  let postgres: TestPostgres;
  let database: TestDatabase;
  let server: TestServer;
  let holder: Client;
  let approver: Client;
  let stranger: Client;
  before(async () => {
    postgres = await startTestPostgres();
    database = await postgres.createDatabase();
    server = await startTestServer(database);
    const { admin } = server;
    const documents = parseEstateFile(bankEstate).documents.map(({ value }) => value);
    await admin.call(changeEstate, {
      body: { documents: [...documents, { kind: "Person", name: "zhao-min", spec: { business: "retail" } }] },
    });
    const rules = [{ effect: "allow" as const, verbs: ["*"], resources: ["*"] }];
    await admin.call(accessOperations.Role.create, { body: { name: "everything", spec: { rules } } });
    const clientOf = async (name: string, business: string): Promise<Client> => {
      const spec = { role: "everything", subjects: [{ kind: "Person" as const, name }], businesses: [business] };
      await admin.call(accessOperations.RoleBinding.create, { body: { name, spec } });
      const body = { subject: { kind: "Person" as const, name }, lifetimeHours: 1 };
      return server.clientOf((await admin.call(tokenOperations[1], { body })).body.text);
    };
    holder = await clientOf("wang-wei", "retail");
    approver = await clientOf("zhao-min", "retail");
    stranger = await clientOf("li-na", "cards");
    await database.owner.query(`
      INSERT INTO requests (id, subsystem, business, environment, body, plan, plan_hash, state, requester)
        VALUES ('q-1', '0101', 'retail', 'production', '{}', '{}', '', 'delivered', 'wang-wei');
      INSERT INTO instances (name, number, subsystem, business, dcn, dcn_group, environment, idc, cluster, rack, host, node, pool, class,
        lifetime, borrowed, nics, wish, state, state_reason, request)
        VALUES ('0101-1c1-01', 1, '0101', 'retail', '1C1', '1C', 'production', 'idc1', 'idc1-c1', 'idc1-r1', 'idc1-h1', 'idc1-h1', 'shared-1',
          '4C8G', 'long-term', false, '[]', 'run', 'ready', '', 'q-1')`);
  });
  after(async () => {
    await server.stop();
    await postgres.stop();
  });

  const problemOf = async (work: Promise<unknown>): Promise<string> => {
    const error: unknown = await work.catch((error: unknown) => error);
    assert.ok(error instanceof ProblemError, String(error));
    return error.problem.code;
  };
  const asked = async () => (await holder.call(create, { body: wish, ...why })).body;
  const active = () =>
    activeGrant(database.server.query, { person: "wang-wei", instance: "0101-1c1-01", grade: "raw" });

  it("is nothing until another person has approved exactly it, and then counts for its time", async () => {
    const grant = await asked();
    assert.deepEqual([grant.state, grant.active, await active()], ["awaiting-approval", false, null]);
    const input = { params: { id: grant.id }, body: { hash: grant.hash } };
    assert.equal(await problemOf(holder.call(approve, input)), "approval.refused");
    const other = { hash: `sha256:${"0".repeat(64)}` };
    assert.equal(await problemOf(approver.call(approve, { ...input, body: other })), "approval.refused");
    assert.equal(await active(), null);
    const { body } = await approver.call(approve, input);
    assert.deepEqual([body.state, body.active, body.approvedBy], ["approved", true, "zhao-min"]);
    assert.equal(Date.parse(body.endsAt ?? "") - Date.parse(body.startsAt ?? ""), 30 * 60_000);
    assert.equal((await active())?.id, grant.id);
    assert.equal(await problemOf(approver.call(approve, input)), "approval.refused");
    const debug = { person: "wang-wei", instance: "0101-1c1-01", grade: "debug" as const };
    assert.equal(await activeGrant(database.server.query, debug), null);
    assert.equal(await activeGrant(database.server.query, { ...debug, person: "zhao-min", grade: "raw" }), null);
    const { items } = (await server.admin.call(auditOperations[0], { query: { kind: "Grant", name: grant.id } })).body;
    assert.deepEqual(new Set(items.map(({ act }) => act)), new Set(["grants.create", "grants.approve"]));
    const ended = await holder.call(end, { params: { id: grant.id }, body: { note: "done" } });
    assert.deepEqual([ended.body.state, ended.body.active, await active()], ["ended", false, null]);
  });

  it("ends by itself when its time is over, and that is written down", async () => {
    const grant = await asked();
    await approver.call(approve, { params: { id: grant.id }, body: { hash: grant.hash } });
    await database.owner.query(
      "UPDATE privilege_grants SET starts_at = now() - interval '1 hour', ends_at = now() - interval '1 s' WHERE number = $1",
      [grant.id.slice(2)],
    );
    assert.equal(await active(), null, "it counts no more, whether or not that is written down");
    // The change behind the server's back is seen at the reconciler's next look; a grant that is asked for gives it one.
    const other = await asked();
    await holder.call(end, { params: { id: other.id }, body: { note: "" } });
    const endMs = Date.now() + 75_000;
    for (let state = ""; state !== "expired"; await sleep(200)) {
      ({ state } = (await holder.call(get, { params: { id: grant.id } })).body);
      assert.ok(Date.now() < endMs, `it is ${state}`);
    }
  });

  it("is refused, with everything that is wrong, and nothing is kept", async () => {
    const before = (await holder.call(list, {})).body.items.length;
    assert.equal(await problemOf(holder.call(create, { body: wish })), "act.reason-required");
    const wrong = { ...wish, capabilities: ["SYS_ADMIN"], image: "x", instances: ["0101-1c1-01", "0101-1c1-01"] };
    const error: unknown = await holder.call(create, { body: wrong, ...why }).catch((error: unknown) => error);
    assert.ok(error instanceof ProblemError);
    assert.deepEqual(
      error.problem.errors?.map(({ pointer }) => pointer),
      ["/capabilities/0", "/image", "/instances"],
    );
    const gone = { ...wish, instances: ["0101-1c1-99"] };
    assert.equal(await problemOf(holder.call(create, { body: gone, ...why })), "resource.not-found");
    assert.equal(await problemOf(server.admin.call(create, { body: wish, ...why })), "grant.refused");
    assert.equal((await holder.call(list, {})).body.items.length, before);
  });

  it("is neither seen nor touched by another business", async () => {
    const grant = await asked();
    const params = { id: grant.id };
    assert.equal(await problemOf(stranger.call(get, { params })), "resource.not-found");
    assert.equal(await problemOf(stranger.call(approve, { params, body: { hash: grant.hash } })), "resource.not-found");
    assert.equal(await problemOf(stranger.call(reject, { params, body: { note: "" } })), "resource.not-found");
    assert.equal(await problemOf(stranger.call(end, { params, body: { note: "" } })), "resource.not-found");
    assert.equal(await problemOf(stranger.call(create, { body: wish, ...why })), "resource.not-found");
    assert.deepEqual((await stranger.call(list, {})).body.items, []);
    assert.equal(await problemOf(approver.call(end, { params, body: { note: "" } })), "approval.refused");
    const rejected = await approver.call(reject, { params, body: { note: "look at the logs first" } });
    assert.deepEqual([rejected.body.state, rejected.body.note], ["rejected", "look at the logs first"]);
  });
});
