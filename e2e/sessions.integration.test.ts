import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startLink, type AgentLink } from "@wcs/agent/link";
import { ProblemError, type Client } from "@wcs/api";
import { accessOperations } from "@wcs/api/access";
import { agentOperations } from "@wcs/api/agent";
import { LinkError, onStream, sessionExec, writeFrame } from "@wcs/api/agent-link";
import { auditOperations } from "@wcs/api/audit";
import { changeEstate } from "@wcs/api/estate";
import { packagedCommandOperations, readSessionRecord, sessionOperations, type RecordEntry } from "@wcs/api/session";
import { tokenOperations } from "@wcs/api/token";
import { parseEstateFile } from "@wcs/core/estate";
import {
  addInstance,
  bankEstate,
  startTestPostgres,
  startTestServer,
  type TestDatabase,
  type TestPostgres,
  type TestServer,
} from "@wcs/server/testing";

const [listSessions, getSession, create, end, record] = sessionOperations;
const [listPackaged] = packagedCommandOperations;

async function until(what: string, holds: () => boolean | Promise<boolean>, mostMs = 15_000): Promise<void> {
  const limit = performance.now() + mostMs;
  while (!(await holds())) {
    assert.ok(performance.now() < limit, `not within ${mostMs} ms: ${what}`);
    await sleep(20);
  }
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "done";
  } catch (error) {
    assert.ok(error instanceof ProblemError, String(error));
    return error.problem.code;
  }
}

describe("a session in an instance, over the link to its host", { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "wcs-sessions-"));
  let postgres: TestPostgres;
  let database: TestDatabase;
  let server: TestServer;
  let agent: AgentLink | null = null;
  let retail: Client;
  let cards: Client;
  const asked: string[][] = [];
  const aborted: string[] = [];

  /** Stands for a host: it says what it was asked, and hangs when it is asked to. */
  const host = onStream(sessionExec, async ({ body, signal }) => {
    asked.push(body.argv);
    if (body.argv[0] === "nobody") throw new LinkError("instance.not-here", "no such container");
    return {
      answer: { containerId: "c1", landlock: 7 },
      run: async (stream) => {
        stream.write(writeFrame("output", Buffer.from(`${body.argv.join(" ")} in ${body.namespace}/${body.pod}\n`)));
        stream.write(writeFrame("error", Buffer.from([0, 255, 10])));
        if (body.argv[0] === "hang") {
          await new Promise<void>((resolve) => {
            signal.addEventListener("abort", () => resolve(), { once: true });
            if (signal.aborted) resolve();
          });
          aborted.push(body.session);
          return;
        }
        stream.write(writeFrame("exit", Buffer.from(JSON.stringify({ code: 3, reason: null }))));
      },
    };
  });

  before(async () => {
    postgres = await startTestPostgres();
    database = await postgres.createDatabase();
    const env = { WCS_LOG_LEVEL: "error", WCS_AGENT_LISTEN: "127.0.0.1:0" };
    server = await startTestServer(database, { env, stateDirectory: join(folder, "server") });
    const { admin } = server;
    const documents = parseEstateFile(bankEstate).documents.map(({ value }) => value);
    await admin.call(changeEstate, { body: { documents } });
    const facts = { name: "0101-1c1-01", business: "retail", dcn_group: "1C", state: "running", state_reason: "" };
    await addInstance(database.owner, facts);
    await database.owner.query("UPDATE instances SET observed = $1", [JSON.stringify({ podUid: "u1" })]);
    const rules = [{ effect: "allow" as const, verbs: ["*"], resources: ["*"] }];
    await admin.call(accessOperations.Role.create, { query: {}, body: { name: "all", spec: { rules } } });
    const clientFor = async (business: string): Promise<Client> => {
      const name = `${business}-ops`;
      await admin.call(accessOperations.ServiceAccount.create, { query: {}, body: { name, spec: { business } } });
      const subjects = [{ kind: "ServiceAccount" as const, name }];
      const spec = { role: "all", subjects, businesses: [business] };
      await admin.call(accessOperations.RoleBinding.create, { query: {}, body: { name, spec } });
      const body = { subject: { kind: "ServiceAccount" as const, name }, lifetimeHours: 1 };
      return server.clientOf((await admin.call(tokenOperations[1], { query: {}, body })).body.text);
    };
    retail = await clientFor("retail");
    cards = await clientFor("cards");
  });
  after(async () => {
    await agent?.close();
    await server.stop();
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const order = (argv: string[]) => ({
    query: {},
    body: { instance: "0101-1c1-01", command: { kind: "exec" as const, argv } },
  });
  const entriesOf = async (client: Client, id: string): Promise<RecordEntry[]> => {
    const { body } = await client.open(record, { params: { id }, signal: AbortSignal.timeout(10_000) });
    const entries: RecordEntry[] = [];
    for await (const entry of readSessionRecord(body ?? assert.fail())) entries.push(entry);
    return entries;
  };

  it("is refused without a reason, without the right, and while the host's agent is away", async () => {
    assert.equal(await codeOf(retail.call(create, order(["ls"]))), "act.reason-required");
    assert.equal(await codeOf(cards.call(create, { ...order(["ls"]), reason: "look" })), "resource.not-found");
    assert.equal(await codeOf(retail.call(create, { ...order(["ls"]), reason: "look" })), "session.away");
    const token = await server.admin.call(agentOperations[2], {
      params: { name: "idc1-h1" },
      query: {},
      body: { lifetimeMinutes: 5 },
    });
    writeFileSync(join(folder, "token"), token.body.text);
    const { rows } = await database.owner.query<{ address: string }>("SELECT address FROM agent_servers");
    agent = await startLink({
      config: { servers: [rows[0]?.address ?? ""], joinTokenFile: join(folder, "token") },
      host: "idc1-h1",
      stateFolder: join(folder, "agent"),
      version: "test",
      startedAt: new Date().toISOString(),
      handlers: [host],
      log: () => undefined,
    });
    await until("the agent is linked", async () => {
      const { body } = await server.admin.call(agentOperations[0], { query: {} });
      return body.items.some(({ links }) => links.length > 0);
    });
    assert.equal(asked.length, 0, "nothing has reached the host so far");
  });

  it("runs the very words on the host, and shows what is in its record, whole and in order", async () => {
    const argv = ["grep", "-c", "a b", "$HOME;`x`", ""];
    const { body } = await retail.call(create, { ...order(argv), reason: "count", ticket: "CHG-7" });
    const entries = await entriesOf(retail, body.id);
    assert.deepEqual(asked.at(-1), argv);
    assert.deepEqual(
      entries.map(({ kind }) => kind),
      ["begin", "output", "error", "exit"],
    );
    assert.equal(
      Buffer.from(entries[1]?.data ?? "", "base64").toString(),
      `${argv.join(" ")} in wcs-retail/0101-1c1-01-0\n`,
    );
    assert.deepEqual([...Buffer.from(entries[2]?.data ?? "", "base64")], [0, 255, 10]);
    assert.deepEqual(JSON.parse(entries[3]?.data ?? ""), { code: 3, reason: null });
    await until(
      "its end is noted",
      async () => (await retail.call(getSession, { params: { id: body.id } })).body.state === "ended",
    );
    const ended = (await retail.call(getSession, { params: { id: body.id } })).body;
    assert.deepEqual(ended.exit, { code: 3, reason: null });
    assert.equal(ended.record?.hash, entries.at(-1)?.hash);
    assert.equal((await entriesOf(retail, body.id)).length, 4, "and it can be replayed");

    const { body: audit } = await server.admin.call(auditOperations[0], { query: { kind: "Session", name: body.id } });
    const [last, first] = audit.items;
    assert.deepEqual([first?.reason, first?.ticket, first?.actor.name], ["count", "CHG-7", "retail-ops"]);
    assert.equal(
      (last?.after as { record: { hash: string } } | undefined)?.record.hash,
      ended.record?.hash,
      "the audit has the record's last hash",
    );
  });

  it("runs a packaged command as its words are written, and refuses whatever is not in it", async () => {
    const ordered = (name: string, parameters: Record<string, string | number> = {}) => ({
      query: {},
      body: { instance: "0101-1c1-01", command: { kind: "run" as const, name, parameters } },
    });
    const { body } = await retail.call(create, ordered("log-tail", { file: "/data/a b;rm.log", lines: "7" }));
    await entriesOf(retail, body.id);
    assert.deepEqual(asked.at(-1), ["tail", "-n", "7", "/data/a b;rm.log"]);
    const count = asked.length;
    const wrong = ordered("log-tail", { file: "data", lines: 0, more: "x" });
    const error: unknown = await retail.call(create, wrong).catch((error: unknown) => error);
    assert.ok(error instanceof ProblemError);
    assert.deepEqual(
      error.problem.errors?.map(({ pointer }) => pointer),
      ["more", "file", "lines"].map((name) => `/command/parameters/${name}`),
    );
    assert.equal(await codeOf(retail.call(create, ordered("rm"))), "command.refused");
    assert.equal(await codeOf(retail.call(create, ordered("stop-process", { pid: 7 }))), "act.reason-required");
    assert.equal(asked.length, count, "nothing of that has reached the host");
    const stopped = await retail.call(create, { ...ordered("stop-process", { pid: 7 }), reason: "it hangs" });
    await entriesOf(retail, stopped.body.id);
    assert.deepEqual(asked.at(-1), ["kill", "-s", "TERM", "7"]);
    const { items } = (await retail.call(listPackaged, {})).body;
    assert.ok(items.length >= 20);
  });

  it("says why when the host refuses", async () => {
    const { body } = await retail.call(create, { ...order(["nobody"]), reason: "try" });
    const exit = JSON.parse((await entriesOf(retail, body.id)).at(-1)?.data ?? "") as { code: null; reason: string };
    assert.equal(exit.code, null);
    assert.match(exit.reason, /instance\.not-here/);
  });

  it("is seen, replayed and ended by nobody of another business", async () => {
    const { body } = await retail.call(create, { ...order(["hang"]), reason: "wait" });
    const params = { id: body.id };
    assert.equal(await codeOf(cards.call(getSession, { params })), "resource.not-found");
    assert.equal(await codeOf(cards.open(record, { params })), "resource.not-found");
    assert.equal(await codeOf(cards.call(end, { params, query: {} })), "resource.not-found");
    assert.deepEqual((await cards.call(listSessions, { query: {} })).body.items, []);
    assert.ok(!aborted.includes(body.id));
    const watching = entriesOf(server.admin, body.id);
    await server.admin.call(end, { params, query: {}, reason: "enough" });
    const entries = await watching;
    assert.match(entries.at(-1)?.data ?? "", /ended by first-administrator: enough/, "who watches sees it end");
    await until("the host has been told", () => aborted.includes(body.id));
  });

  it("has a record in which no entry can be changed or left out unseen", async () => {
    const { body } = await retail.call(create, { ...order(["true"]), reason: "for the record" });
    await entriesOf(retail, body.id);
    const records = join(folder, "server/records");
    const file =
      readdirSync(records, { recursive: true, encoding: "utf8" }).find((name) => name.includes(body.id)) ?? "";
    const path = join(records, file);
    const whole = readFileSync(path, "utf8");
    const lines = whole.split("\n");
    for (const spoiled of [
      whole.replace(/"at":"20\d\d/, '"at":"1999'),
      [lines[0], ...lines.slice(2)].join("\n"),
      [lines[0], lines[2], lines[1], ...lines.slice(3)].join("\n"),
    ]) {
      writeFileSync(path, spoiled);
      await assert.rejects(entriesOf(retail, body.id), /not whole/);
    }
    writeFileSync(path, whole);
    assert.equal((await entriesOf(retail, body.id)).length, 4);
  });
});
