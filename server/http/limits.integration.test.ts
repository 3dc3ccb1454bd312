import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startTestPostgres, type TestDatabase, type TestPostgres } from "../testing/test-postgres.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { newToken } from "../token/token-text.ts";

const perMinute = 200;
const strangersPerMinute = perMinute / 10;

describe("the HTTP server's limits", () => {
  let postgres: TestPostgres;
  let database: TestDatabase;
  before(async () => {
    postgres = await startTestPostgres();
    database = await postgres.createDatabase();
  });
  after(() => postgres.stop());

  /** A server of its own, whose counts begin at nothing. */
  const serve = async (
    work: (server: TestServer) => Promise<void>,
    env: Record<string, string> = {},
  ): Promise<void> => {
    database = await postgres.createDatabase();
    const server = await startTestServer(database, {
      env: { WCS_REQUESTS_PER_MINUTE: String(perMinute), WCS_LOG_LEVEL: "silent", ...env },
    });
    try {
      await work(server);
    } finally {
      await server.stop();
    }
  };
  const get = (server: TestServer, token: string | null, path = "/api/v1/cities", headers = {}): Promise<Response> =>
    fetch(new URL(path, server.url), {
      headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...headers },
      signal: AbortSignal.timeout(10_000),
    });
  const statusesOf = async (answers: readonly Promise<Response>[]): Promise<Record<number, number>> => {
    const counts: Record<number, number> = {};
    for (const { status } of await Promise.all(answers)) counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  };
  const post = (server: TestServer, body: string, path = "/api/v1/groups"): Promise<Response> =>
    fetch(new URL(path, server.url), {
      method: "POST",
      headers: { authorization: `Bearer ${server.token}`, "content-type": "application/json" },
      body,
      signal: AbortSignal.timeout(10_000),
    });

  it("refuse an address's flood of bad tokens before the database is asked, and let good tokens from there through", () =>
    serve(async (server) => {
      assert.equal((await get(server, server.token)).status, 200);
      const flood = Array.from({ length: 3 * strangersPerMinute }, () => get(server, newToken().text));
      assert.deepEqual(await statusesOf(flood), { 401: strangersPerMinute, 429: 2 * strangersPerMinute });
      // Whoever asked the table of tokens now would wait for ever.
      const blocker = await database.owner.connect();
      try {
        await blocker.query("BEGIN; LOCK TABLE tokens IN ACCESS EXCLUSIVE MODE");
        const refused = await get(server, newToken().text);
        assert.equal(refused.status, 429);
        assert.ok(Number(refused.headers.get("retry-after")) > 0);
        assert.equal(((await refused.json()) as { code: string }).code, "request.rate-limited");
        assert.equal((await get(server, null)).status, 429);
        assert.equal((await get(server, "no-token-of-ours")).status, 429);
      } finally {
        await blocker.query("ROLLBACK");
        blocker.release();
      }
      assert.equal((await get(server, server.token)).status, 200);
    }));

  it("count bad tokens by the address that the proxy in front names, if it is to be believed", () =>
    serve(
      async (server) => {
        const from = (address: string) => ({ "x-forwarded-for": address });
        for (let index = 0; index < strangersPerMinute; index += 1) {
          assert.equal((await get(server, newToken().text, undefined, from("192.0.2.1"))).status, 401);
        }
        assert.equal((await get(server, newToken().text, undefined, from("192.0.2.1"))).status, 429);
        assert.equal((await get(server, newToken().text, undefined, from("192.0.2.2"))).status, 401);
      },
      { WCS_TRUST_PROXY: "yes" },
    ));

  it("let a token ask as often as they say, and no other token suffers", () =>
    serve(async (server) => {
      await post(server, JSON.stringify({ name: "ci", spec: {} }), "/api/v1/service-accounts");
      const role = { rules: [{ effect: "allow", verbs: ["*"], resources: ["*"] }] };
      await post(server, JSON.stringify({ name: "all", spec: role }), "/api/v1/roles");
      const subject = { kind: "ServiceAccount", name: "ci" };
      await post(
        server,
        JSON.stringify({ name: "ci", spec: { role: "all", subjects: [subject] } }),
        "/api/v1/role-bindings",
      );
      const made = await post(server, JSON.stringify({ subject, lifetimeHours: 1 }), "/api/v1/tokens");
      const { text } = (await made.json()) as { text: string };
      assert.equal((await get(server, text)).status, 200);
      const many = Array.from({ length: perMinute + 20 }, () => get(server, text));
      assert.deepEqual(await statusesOf(many), { 200: perMinute - 1, 429: 21 });
      assert.equal((await get(server, server.token)).status, 200);
    }));

  for (const [path, status] of [
    ["/healthz", 200],
    ["/nothing", 404],
  ] as const) {
    it(`let an address without a token ask as often as they say for ${path}`, () =>
      serve(async (server) => {
        const many = Array.from({ length: strangersPerMinute + 5 }, () => get(server, null, path));
        assert.deepEqual(await statusesOf(many), { [status]: strangersPerMinute, 429: 5 });
      }));
  }

  it("refuse a body that is too large or nested too deep, without reading more of it", () =>
    serve(async (server) => {
      const large = await post(server, JSON.stringify({ name: "x".repeat(1024 * 1024) }));
      assert.equal(large.status, 413);
      for (const [path, open, close] of [
        ["/api/v1/groups", "[", "]"],
        ["/api/v1/groups", '{"a":', "}"],
        ["/api/v1/estate-changes", '{"documents":[', "]}"],
      ] as const) {
        const deep = await post(server, `${open.repeat(65)}1${close.repeat(65)}`, path);
        const problem = (await deep.json()) as { code: string; detail: string };
        assert.equal(problem.code, "request.invalid", path);
        assert.match(problem.detail, /deeper than 64 levels/);
        assert.equal((await post(server, open.repeat(100_000), path)).status, 400);
      }
      const shallow = `{"documents":[{"kind":"City","name":"x","spec":${"[".repeat(40)}1${"]".repeat(40)}}]}`;
      assert.equal((await post(server, shallow, "/api/v1/estate-changes")).status, 422);
    }));
});
