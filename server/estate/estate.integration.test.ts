import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ProblemError, type Client, type Problem } from "@wcs/api";
import { accessOperations } from "@wcs/api/access";
import { changeEstate, estateOperations } from "@wcs/api/estate";
import { tokenOperations } from "@wcs/api/token";
import { parseEstateFile } from "@wcs/core/estate";
import {
  startTestPostgres,
  startTestServer,
  type TestDatabase,
  type TestPostgres,
  type TestServer,
} from "../testing/index.ts";
import { addInstance } from "../testing/add-instance.ts";
import { bankEstate } from "./testing/bank-estate.ts";

const [, createToken] = tokenOperations;
const documents = (): unknown[] => parseEstateFile(bankEstate).documents.map(({ value }) => value);
const problemOf = async (call: Promise<unknown>): Promise<Problem> => {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof ProblemError, String(error));
    return error.problem;
  }
  throw new Error("the call should have been refused");
};

describe("the estate", () => {
  let postgres: TestPostgres;
  before(async () => {
    postgres = await startTestPostgres();
  });
  after(() => postgres.stop());

  const withServer = async (work: (server: TestServer, database: TestDatabase) => Promise<void>): Promise<void> => {
    const database = await postgres.createDatabase();
    const server = await startTestServer(database);
    try {
      await work(server, database);
    } finally {
      await server.stop();
      await database.drop();
    }
  };
  const apply = async (client: Client, puts: readonly unknown[], more: { ticket?: string; dryRun?: boolean } = {}) => {
    const { dryRun = false, ...act } = more;
    const { body } = await client.call(changeEstate, { query: { dryRun }, body: { documents: [...puts] }, ...act });
    return body;
  };

  it("is applied whole, again without a change, and shows what it would change", async () => {
    await withServer(async ({ admin }, { owner }) => {
      const first = await apply(admin, documents());
      assert.ok(first.outcomes.every(({ action }) => action === "created"));
      const second = await apply(admin, documents());
      assert.ok(second.outcomes.every(({ action }) => action === "unchanged"));
      assert.equal(second.version, first.version);

      const host = { kind: "Host", name: "idc1-h1" };
      const { body: record } = await admin.call(estateOperations.Host.get, { params: { name: host.name } });
      const moved = { ...record, version: undefined, spec: { ...record.spec, state: "offline" } };
      const dry = await apply(admin, [moved], { dryRun: true, ticket: "CHG1" });
      assert.deepEqual(dry.outcomes, [
        { ...host, action: "changed", differences: [{ path: "spec.state", to: "offline" }] },
      ]);
      assert.equal(
        (await admin.call(estateOperations.Host.get, { params: { name: host.name } })).body.version,
        record.version,
      );

      const changed = await apply(admin, [moved], { ticket: "CHG1" });
      assert.equal(changed.version, first.version + 1);
      const { rows } = await owner.query(
        "SELECT count(*)::int AS n FROM audit_entries WHERE kind = 'Host' AND name = 'idc1-h1'",
      );
      assert.deepEqual(rows, [{ n: 2 }]);
      const events = await owner.query(
        "SELECT change, version FROM events WHERE kind = 'Host' AND name = 'idc1-h1' ORDER BY id",
      );
      assert.deepEqual(
        events.rows.map(({ change }) => change as string),
        ["created", "updated"],
      );
    });
  });

  it("answers every fault of a request at once and changes nothing", async () => {
    await withServer(async ({ admin }) => {
      const broken = documents() as Record<string, Record<string, unknown>>[];
      Object.assign(broken[0] as object, { kind: "Citty" });
      const subnet = broken.find(({ kind }) => (kind as unknown) === "Subnet");
      Object.assign(subnet?.["spec"] as object, { gateway: "10.99.0.1" });
      const problem = await problemOf(apply(admin, broken));
      assert.equal(problem.code, "estate.invalid");
      assert.deepEqual(
        problem.errors
          ?.map(({ code, pointer }) => `${code} ${pointer}`)
          .filter((each) => !each.startsWith("reference")),
        [
          "kind-unknown /documents/0/kind",
          `gateway-outside /documents/${broken.indexOf(subnet as never)}/spec/gateway`,
        ],
      );
      assert.deepEqual((await admin.call(estateOperations.Rack.list, {})).body.items, []);
      await apply(admin, documents());
    });
  });

  it("has routes for each kind: create, get, list, filter, replace with If-Match, delete", async () => {
    await withServer(async ({ admin }) => {
      await apply(admin, documents());
      const { create, get, list, replace, remove } = estateOperations.Host;
      const host = {
        kind: "Host" as const,
        name: "idc1-h9",
        spec: { rack: "idc1-r1", addresses: { core: "10.71.1.9" }, capacity: { cpuMilli: 1000, memoryMiB: 1024 } },
      };
      const made = await admin.call(create, { body: host });
      assert.equal(made.status, 201);
      assert.equal((await problemOf(admin.call(create, { body: host }))).code, "resource.exists");
      const found = await admin.call(get, { params: { name: host.name } });
      assert.deepEqual(found.body, { ...host, version: made.body.version });
      assert.equal(found.etag, `"${made.body.version}"`);

      const pages: string[] = [];
      for (let cursor: string | undefined, more = true; more;) {
        const { body }: { body: { items: readonly { name: string }[]; next: string | null } } = await admin.call(list, {
          query: { limit: 1, ...(cursor === undefined ? {} : { cursor }) },
        });
        pages.push(...body.items.map(({ name }) => name));
        cursor = body.next ?? undefined;
        more = cursor !== undefined;
      }
      assert.deepEqual(pages, ["idc1-h1", "idc1-h9", "idc2-h1"]);
      const inRack = await admin.call(list, { query: { rack: "idc2-r1" } });
      assert.deepEqual(
        inRack.body.items.map(({ name }) => name),
        ["idc2-h1"],
      );
      assert.equal((await problemOf(admin.call(list, { query: { nothing: "x" } }))).code, "request.invalid");

      const next = { ...host, labels: { disk: "ssd" } };
      const stale = await problemOf(admin.call(replace, { params: { name: host.name }, body: next, ifMatch: '"1"' }));
      assert.equal(stale.code, "resource.version-mismatch");
      const replaced = await admin.call(replace, { params: { name: host.name }, body: next, ifMatch: made.etag ?? "" });
      assert.deepEqual(replaced.body.labels, { disk: "ssd" });
      assert.equal(
        (await problemOf(admin.call(replace, { params: { name: "other" }, body: next }))).code,
        "request.invalid",
      );
      assert.equal((await admin.call(remove, { params: { name: host.name } })).status, 204);
      assert.equal((await problemOf(admin.call(get, { params: { name: host.name } }))).code, "resource.not-found");
      assert.equal((await problemOf(admin.call(remove, { params: { name: host.name } }))).code, "resource.not-found");
    });
  });

  it("says who stands in the way of a deletion, and deletes many as one", async () => {
    await withServer(async ({ admin }) => {
      await apply(admin, documents());
      const { remove } = estateOperations.Area;
      const problem = await problemOf(admin.call(remove, { params: { name: "core" } }));
      assert.equal(problem.code, "resource.referenced");
      assert.match(problem.errors?.[0]?.message ?? "", /needed by \d+: Host idc1-h1, Host idc2-h1/);
      const deletions = (documents() as { kind: "Host"; name: string }[]).map(({ kind, name }) => ({ kind, name }));
      const { body } = await admin.call(changeEstate, { body: { deletions }, ticket: "CHG1" });
      assert.ok(body.outcomes.every(({ action }) => action === "deleted"));
      await apply(admin, documents());
    });
  });

  it("asks for the change ticket of an environment that wants one", async () => {
    await withServer(async ({ admin }) => {
      await apply(admin, documents());
      const { body } = await admin.call(estateOperations.Cluster.get, { params: { name: "idc1-c1" } });
      const changed = { ...body, title: "first" };
      const { replace } = estateOperations.Cluster;
      const problem = await problemOf(admin.call(replace, { params: { name: body.name }, body: changed }));
      assert.equal(problem.code, "act.ticket-required");
      await admin.call(replace, { params: { name: body.name }, body: changed, ticket: "CHG7" });
    });
  });

  it("swaps addresses and networks in one apply", async () => {
    await withServer(async ({ admin }) => {
      const vm = (name: string, address: string) => ({
        kind: "VM",
        name,
        spec: { rack: "idc1-r1", addresses: { core: address } },
      });
      const net = (name: string, third: number) => ({
        kind: "Subnet",
        name,
        spec: { rack: "idc1-r1", area: "dmz", cidr: `10.90.${third}.0/24`, gateway: `10.90.${third}.254` },
      });
      await apply(admin, [...documents(), vm("a", "10.71.1.12"), vm("b", "10.71.1.13"), net("x", 1), net("y", 2)]);
      const swapped = [vm("a", "10.71.1.13"), vm("b", "10.71.1.12"), net("x", 2), net("y", 1)];
      assert.ok((await apply(admin, swapped)).outcomes.every(({ action }) => action === "changed"));
    });
  });

  it("does not change under instances what they were placed by", async () => {
    await withServer(async ({ admin }, { owner }) => {
      await apply(admin, documents());
      await addInstance(owner, { name: "savings-1" });

      const changes: [keyof typeof estateOperations, string, object, string | null][] = [
        ["Host", "idc1-h1", { pool: undefined }, "/documents/0/spec/pool"],
        ["Host", "idc1-h1", { state: "unavailable" }, null],
        ["Class", "4C8G", { diskGiB: 50 }, "/documents/0/spec/diskGiB"],
        ["Host", "idc2-h1", { state: "offline" }, null],
      ];
      for (const [kind, name, spec, pointer] of changes) {
        const { body } = await admin.call(estateOperations[kind].get, { params: { name } });
        const changed = { ...body, version: undefined, spec: { ...body.spec, ...spec } };
        const act = apply(admin, [changed], { ticket: "CHG1", dryRun: true });
        if (pointer === null) {
          await act;
          continue;
        }
        const [fault] = (await problemOf(act)).errors ?? [];
        assert.deepEqual([fault?.code, fault?.pointer], ["field-frozen", pointer]);
        assert.match(fault?.message ?? "", /Instance savings-1/);
      }
      const gone = await problemOf(
        admin.call(estateOperations.Host.remove, { params: { name: "idc1-h1" }, ticket: "CHG1" }),
      );
      assert.equal(gone.code, "resource.referenced");
    });
  });

  it("is one for two servers on one database", async () => {
    await withServer(async ({ admin, token, clientOf }, database) => {
      await apply(admin, documents());
      const second = await startTestServer(database, { token });
      try {
        const rack = (name: string) => ({ kind: "Rack", name, spec: { idc: "idc1" } });
        const subnet = (name: string, rackName: string, cidr: string) => ({
          kind: "Subnet",
          name,
          spec: { rack: rackName, area: "core", cidr: `${cidr}.0/24`, gateway: `${cidr}.1` },
        });
        assert.ok(clientOf(token) !== second.admin);
        await apply(second.admin, [rack("idc1-r8"), subnet("s8", "idc1-r8", "10.88.1")]);
        const problem = await problemOf(apply(admin, [rack("idc1-r9"), subnet("s9", "idc1-r9", "10.88.1")]));
        assert.match(problem.errors?.[0]?.message ?? "", /overlaps Subnet s8/);
        await admin.call(estateOperations.Subnet.remove, { params: { name: "s8" } });
        await apply(second.admin, [rack("idc1-r9"), subnet("s9", "idc1-r9", "10.88.1")]);
        // Both at once, many times: each is judged with all before it in sight.
        const racing = Array.from({ length: 40 }, (_, at) =>
          apply(at % 2 === 0 ? admin : second.admin, [subnet(`race-${at}`, "idc1-r9", `10.89.${at >> 2}`)]).then(
            () => 1,
            (error: unknown) =>
              error instanceof ProblemError && error.problem.code === "estate.invalid" ? 0 : Promise.reject(error),
          ),
        );
        const won = (await Promise.all(racing)).reduce((sum: number, each) => sum + each, 0);
        assert.equal(won, 10);
      } finally {
        await second.stop();
      }
    });
  });

  it("lets one of two writes pass that together break a rule which only the whole estate shows", async () => {
    await withServer(async ({ admin, token }, database) => {
      await apply(admin, documents());
      const second = await startTestServer(database, { token });
      try {
        const names = ["idc1-h1", "idc2-h1"] as const;
        const hosts = await Promise.all(
          names.map(async (name) => (await admin.call(estateOperations.Host.get, { params: { name } })).body),
        );
        const { body: pool } = await admin.call(estateOperations.Pool.get, { params: { name: "shared-1" } });
        // One host's worth is promised: either may go, and no constraint of the database knows that both may not.
        const most = { cpuMilli: 32_000, memoryMiB: 65_536 };
        const quotas = { retail: { guarantee: most, limit: most } };
        await apply(admin, [{ ...pool, version: undefined, spec: { ...pool.spec, quotas } }], { ticket: "CHG1" });
        for (let round = 0; round < 8; round += 1) {
          const outcomes = await Promise.all(
            names.map(async (name, at) => {
              const client = (round + at) % 2 === 0 ? admin : second.admin;
              const gone = client.call(estateOperations.Host.remove, { params: { name }, ticket: "CHG1" });
              return gone.then(
                () => "gone",
                (error: unknown) => (error instanceof ProblemError ? error.problem.code : Promise.reject(error)),
              );
            }),
          );
          assert.deepEqual(outcomes.toSorted(), ["estate.invalid", "gone"]);
          const documents = hosts.map((host) => ({ ...host, version: undefined }));
          await apply(admin, documents, { ticket: "CHG1" });
        }
      } finally {
        await second.stop();
      }
    });
  });

  it("shows a business its own and the common ground, and nothing of another", async () => {
    await withServer(async ({ admin, clientOf }) => {
      await apply(admin, documents());
      const { Role, ServiceAccount, RoleBinding } = accessOperations;
      await admin.call(Role.create, {
        body: { name: "developer", spec: { rules: [{ effect: "allow", verbs: ["*"], resources: ["*"] }] } },
      });
      await admin.call(ServiceAccount.create, { body: { name: "cards-ci", spec: { business: "cards" } } });
      await admin.call(RoleBinding.create, {
        body: {
          name: "cards-ci",
          spec: { role: "developer", subjects: [{ kind: "ServiceAccount", name: "cards-ci" }], businesses: ["cards"] },
        },
      });
      const { body } = await admin.call(createToken, {
        body: { subject: { kind: "ServiceAccount", name: "cards-ci" }, lifetimeHours: 1 },
      });
      const cards = clientOf(body.text);
      const names = async (kind: keyof typeof estateOperations): Promise<string[]> =>
        (await cards.call(estateOperations[kind].list, {})).body.items.map(({ name }) => name);
      assert.deepEqual(await names("System"), ["cards-core"]);
      assert.deepEqual(await names("Subsystem"), ["0202"]);
      assert.deepEqual(await names("Person"), ["li-na"]);
      assert.deepEqual(await names("Business"), ["cards"]);
      assert.deepEqual(await names("Host"), []);
      assert.deepEqual(await names("Pool"), []);
      assert.deepEqual(await names("DCN"), ["1C1", "1C2"]);
      assert.deepEqual(await names("Class"), ["4C8G"]);

      const foreign = await problemOf(cards.call(estateOperations.System.get, { params: { name: "savings" } }));
      assert.equal(foreign.code, "resource.not-found");
      const subsystem = (system: string) => ({
        kind: "Subsystem",
        name: "0909",
        spec: { system, importance: "C", owner: "li-na" },
      });
      const there = await problemOf(apply(cards, [subsystem("savings")]));
      const nowhere = await problemOf(apply(cards, [subsystem("savinks")]));
      const shape = ({ code, errors }: Problem) => JSON.stringify([code, errors]).replaceAll(/savin[gk]s/g, "S");
      assert.equal(shape(there), shape(nowhere), "a name that is there and one that is not look alike");
      const host = await problemOf(
        cards.call(changeEstate, { body: { deletions: [{ kind: "Host", name: "idc1-h1" }] } }),
      );
      const none = await problemOf(
        cards.call(changeEstate, { body: { deletions: [{ kind: "Host", name: "idc1-h7" }] } }),
      );
      assert.equal(JSON.stringify(host.errors).replaceAll("h1", "h7"), JSON.stringify(none.errors));
      assert.equal((await problemOf(apply(cards, [{ kind: "City", name: "beijing" }]))).code, "auth.forbidden");
      await apply(cards, [subsystem("cards-core")]);
      assert.deepEqual(await names("Subsystem"), ["0202", "0909"]);
    });
  });

  it("keeps its constraints in the database too, whoever writes", async () => {
    await withServer(async ({ admin }, { server }) => {
      await apply(admin, documents());
      const statements: [string, RegExp][] = [
        ['UPDATE racks SET document = \'{"spec":{"idc":"idc9"}}\' WHERE name = \'idc1-r1\'', /foreign key/],
        [
          "UPDATE subnets SET document = jsonb_set(document, '{spec,cidr}', '\"10.71.1.0/24\"'), name = name WHERE name = 'idc2-r1-core'",
          /check|exclusion|overlap/,
        ],
        ["INSERT INTO machine_addresses (address, area, vm) VALUES ('10.71.1.1', 'core', 'idc1-v1')", /duplicate key/],
        ["UPDATE hosts SET document = jsonb_set(document, '{spec,capacity,cpuMilli}', '0')", /check constraint/],
        ["DELETE FROM clusters WHERE name = 'idc1-c1'", /foreign key/],
        ["UPDATE pool_quotas SET guarantee_cpu_milli = limit_cpu_milli + 1", /check constraint/],
      ];
      for (const [statement, refusal] of statements) await assert.rejects(server.query(statement), refusal, statement);
    });
  });
});
