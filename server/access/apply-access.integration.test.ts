import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ProblemError, type Client, type Problem } from "@wcs/api";
import { accessOperations } from "@wcs/api/access";
import { changeEstate, estateOperations } from "@wcs/api/estate";
import { tokenOperations } from "@wcs/api/token";
import { startTestPostgres, startTestServer, type TestPostgres, type TestServer } from "../testing/index.ts";

const team = [
  {
    kind: "RoleBinding",
    name: "loans-operate",
    spec: { role: "operate", subjects: [{ kind: "Group", name: "loans-ops" }], businesses: ["loans"] },
  },
  { kind: "Group", name: "loans-ops", spec: { business: "loans", members: ["li-na"] } },
  { kind: "Role", name: "operate", spec: { rules: [{ effect: "allow", verbs: ["get", "list"], resources: ["*"] }] } },
  { kind: "ServiceAccount", name: "loans-ci", title: "流水线", spec: { business: "loans" } },
  { kind: "Person", name: "li-na", spec: { business: "loans" } },
  { kind: "Business", name: "loans" },
];

async function problemOf(call: Promise<unknown>): Promise<Problem> {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof ProblemError, String(error));
    return error.problem;
  }
  throw new Error("the call should have been refused");
}

describe("people and rights in the estate's files", () => {
  let postgres: TestPostgres;
  let server: TestServer;
  before(async () => {
    postgres = await startTestPostgres();
    server = await startTestServer(await postgres.createDatabase());
  });
  after(async () => {
    await server.stop();
    await postgres.stop();
  });
  const apply = async (documents: readonly unknown[], dryRun = false, client: Client = server.admin) =>
    (await client.call(changeEstate, { query: { dryRun }, body: { documents: [...documents] } })).body;
  const names = async (): Promise<readonly string[]> => {
    const { body } = await server.admin.call(accessOperations.Group.list, { query: {} });
    return body.items.map(({ name }) => name);
  };

  it("come with what they refer to, in any order, and again without a change", async () => {
    const dry = await apply(team, true);
    assert.deepEqual(
      dry.outcomes.map(({ kind, action }) => `${kind} ${action}`),
      team.map(({ kind }) => `${kind} created`),
    );
    assert.deepEqual(await names(), []);
    await apply(team);
    assert.deepEqual(await names(), ["loans-ops"]);
    assert.ok((await apply(team)).outcomes.every(({ action }) => action === "unchanged"));
    const { body } = await server.admin.call(accessOperations.Group.get, { params: { name: "loans-ops" } });
    assert.ok(
      (await apply([body])).outcomes.every(({ action }) => action === "unchanged"),
      "what get shows",
    );
    assert.equal(body.version, 1);
  });

  it("show what would change, and refuse what somebody else changed meanwhile", async () => {
    const more = { kind: "Person", name: "zhao-min", spec: { business: "loans" } };
    const group = { ...team[1], version: 1, spec: { business: "loans", members: ["li-na", "zhao-min"] } };
    const { outcomes } = await apply([group, more], true);
    assert.deepEqual(outcomes[0], {
      kind: "Group",
      name: "loans-ops",
      action: "changed",
      differences: [{ path: "spec.members[1]", to: "zhao-min" }],
    });
    await apply([group, more]);
    const problem = await problemOf(apply([group]));
    assert.equal(problem.code, "resource.version-mismatch");
    assert.deepEqual([problem.errors?.[0]?.kind, problem.errors?.[0]?.name], ["Group", "loans-ops"]);
  });

  it("tell every fault with its place, beside those of the estate, and change nothing", async () => {
    const broken = [
      { kind: "City", name: "wuhan" },
      { kind: "IDC", name: "idc9", spec: { city: "nowhere" } },
      { kind: "Group", name: "Bad_Name", spec: { members: [] } },
      { kind: "Group", name: "g1", spec: { members: ["nobody", "li-na"], bussiness: "loans" } },
      {
        kind: "RoleBinding",
        name: "b1",
        spec: { role: "no-role", subjects: [{ kind: "Group", name: "no-group" }], environments: ["no-env"] },
      },
      { kind: "Group", name: "g2", spec: { members: ["nobody"] } },
      { kind: "Group", name: "g2", spec: { members: [] } },
      { kind: "Gruop", name: "g3" },
      { kind: "Role", name: "r1", spec: { rules: [] } },
    ];
    const problem = await problemOf(apply(broken));
    assert.equal(problem.code, "estate.invalid");
    assert.deepEqual(problem.errors?.map(({ code, pointer }) => `${pointer} ${code}`).sort(), [
      "/documents/1/spec/city reference-missing",
      "/documents/2/name name-malformed",
      "/documents/3/spec/bussiness field-unknown",
      "/documents/4/spec/environments/0 reference-missing",
      "/documents/4/spec/role reference-missing",
      "/documents/4/spec/subjects/0/name reference-missing",
      "/documents/5/spec/members/0 reference-missing",
      "/documents/6/name document-repeated",
      "/documents/7/kind kind-unknown",
      "/documents/8/spec/rules length-out-of-range",
    ]);
    assert.match(problem.errors?.find(({ code }) => code === "kind-unknown")?.message ?? "", /Group/);
    assert.equal(
      (await problemOf(server.admin.call(estateOperations.City.get, { params: { name: "wuhan" } }))).status,
      404,
    );
  });

  it("give nobody more than who applies them has, and nothing of the file then", async () => {
    const administer = {
      effect: "allow" as const,
      verbs: ["*"],
      resources: ["groups", "role-bindings", "service-accounts", "people", "businesses", "roles"],
    };
    await apply([
      { kind: "Business", name: "cards" },
      { kind: "Person", name: "wang-wei", spec: { business: "cards" } },
      { kind: "Role", name: "administer", spec: { rules: [administer] } },
      { kind: "ServiceAccount", name: "loans-admin", spec: { business: "loans" } },
      {
        kind: "RoleBinding",
        name: "loans-admin",
        spec: {
          role: "administer",
          businesses: ["loans"],
          subjects: [{ kind: "ServiceAccount", name: "loans-admin" }],
        },
      },
    ]);
    const made = await server.admin.call(tokenOperations[1], {
      query: {},
      body: { subject: { kind: "ServiceAccount", name: "loans-admin" }, lifetimeHours: 1 },
    });
    const loans = server.clientOf(made.body.text);
    await apply([{ kind: "Group", name: "loans-dev", spec: { business: "loans", members: ["li-na"] } }], false, loans);
    for (const [documents, code] of [
      [
        [
          {
            kind: "RoleBinding",
            name: "mine",
            spec: { role: "operate", businesses: ["loans"], subjects: [{ kind: "Group", name: "loans-dev" }] },
          },
        ],
        "access.exceeds-own",
      ],
      [
        [
          {
            kind: "RoleBinding",
            name: "mine",
            spec: { role: "administer", subjects: [{ kind: "Group", name: "loans-dev" }] },
          },
        ],
        "auth.forbidden",
      ],
      [[{ kind: "Role", name: "all", spec: { rules: [administer] } }], "auth.forbidden"],
      [[{ kind: "Group", name: "theirs", spec: { business: "cards", members: [] } }], "estate.invalid"],
      [[{ kind: "Group", name: "ours", spec: { business: "loans", members: ["wang-wei"] } }], "estate.invalid"],
    ] as const) {
      const first = { kind: "Group", name: "first", spec: { business: "loans", members: [] } };
      const problem = await problemOf(apply([first, ...documents], false, loans));
      assert.equal(problem.code, code, JSON.stringify(documents));
      assert.ok(!(await names()).includes("first"));
    }
  });
});
