import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ProblemError, type Problem } from "@wcs/api";
import { healthOperations } from "@wcs/api/health";
import { startTestPostgres, type TestPostgres } from "../testing/test-postgres.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";

const [live, ready, metrics, openApi] = healthOperations;

describe("the HTTP server", () => {
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

  it("answers health without a token, and everything else only with one", async () => {
    const nobody = server.clientOf("wcs_00000000000000000000_0000000000000000000000000000000000000000000");
    assert.deepEqual((await nobody.call(live, {})).body, { ok: true });
    assert.equal((await nobody.call(ready, {})).body.ok, true);
    for (const operation of [metrics, openApi]) {
      await assert.rejects(nobody.open(operation, {}), (error) => {
        assert.ok(error instanceof ProblemError);
        assert.equal(error.problem.code, "auth.missing");
        return true;
      });
    }
  });

  it("gives the OpenAPI document and metrics to the administrator", async () => {
    assert.equal((await server.admin.call(openApi, {})).body.openapi, "3.1.0");
    const response = await server.admin.open(metrics, {});
    assert.match(await response.text(), /wcs_request_duration_seconds_bucket/);
  });

  it("answers what it does not know with a problem document that has the request's id, in the caller's language", async () => {
    const response = await fetch(`${server.url}/api/v1/nothing`, { headers: { "accept-language": "zh-CN,en;q=0.5" } });
    assert.equal(response.status, 404);
    assert.equal(response.headers.get("content-type"), "application/problem+json; charset=utf-8");
    const problem = (await response.json()) as { code: string; title: string; instance: string };
    assert.equal(problem.code, "resource.not-found");
    assert.equal(problem.title, "资源不存在");
    assert.equal(problem.instance, response.headers.get("x-request-id"));
  });

  it("refuses text that no record can keep, and says where it is", async () => {
    const refused = async (body: object): Promise<Problem> => {
      const asked = { method: "POST", headers: headersOf({}), body: JSON.stringify(body) };
      const response = await fetch(`${server.url}/api/v1/estate-changes`, asked);
      assert.equal(response.status, 400);
      return (await response.json()) as Problem;
    };
    const headersOf = (more: Readonly<Record<string, string>>) => {
      return { authorization: `Bearer ${server.token}`, "content-type": "application/json", ...more };
    };
    const city = { kind: "City", name: "shenzhen" };
    for (const [text, problem] of [
      ["half \ud83d", /lone surrogate/],
      ["nul \0", /U\+0000/],
    ] as const) {
      const { errors } = await refused({ documents: [{ ...city, title: text }] });
      assert.equal(errors?.[0]?.pointer, "/documents/0/title");
      assert.match(errors[0].message, problem);
    }
    const asked = { method: "POST", headers: headersOf({ "wcs-reason": "a%00b" }), body: JSON.stringify(city) };
    const response = await fetch(`${server.url}/api/v1/cities`, asked);
    assert.equal(response.status, 400);
    assert.match(((await response.json()) as Problem).detail ?? "", /WCS-Reason has the character U\+0000/);
  });
});
