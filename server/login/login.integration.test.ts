import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { after, before, describe, it } from "node:test";
import { createHash, randomBytes } from "node:crypto";
import { ProblemError } from "@wcs/api";
import { loginOperations } from "@wcs/api/login";
import { tokenOperations } from "@wcs/api/token";
import { Provider } from "oidc-provider";
import { startTestPostgres, type TestPostgres } from "../testing/test-postgres.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { makePerson } from "../testing/make-person.ts";

const [start, finish] = loginOperations;
const cli = `${import.meta.dirname}/../../cli/bin/wcs`;

/** A real OpenID provider, whose login page says at once that the person is `login`. */
async function startProvider(login: () => string): Promise<Readonly<{ issuer: string; server: Server }>> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "wcs",
        token_endpoint_auth_method: "none",
        application_type: "native",
        redirect_uris: ["http://127.0.0.1/callback"],
        grant_types: ["authorization_code"],
        response_types: ["code"],
      },
    ],
    claims: { openid: ["sub"], profile: ["preferred_username"] },
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, preferred_username: id }) }),
    loadExistingGrant: async (context) => {
      const { Grant } = context.oidc.provider;
      const grant = new Grant({ clientId: "wcs", accountId: context.oidc.session?.accountId ?? "" });
      grant.addOIDCScope("openid profile");
      await grant.save();
      return grant;
    },
    cookies: { keys: ["test"] },
    ttl: { Interaction: 60, Session: 60, Grant: 60, IdToken: 60, AccessToken: 60, AuthorizationCode: 60 },
  });
  const handle = provider.callback();
  server.on("request", (request, response) => {
    if (request.url?.startsWith("/interaction/") === true) {
      void (async () => {
        const { prompt } = await provider.interactionDetails(request, response);
        const result = prompt.name === "login" ? { login: { accountId: login() } } : { consent: {} };
        await provider.interactionFinished(request, response, result);
      })();
    } else void handle(request, response);
  });
  return { issuer, server };
}

/** Goes where a browser would go, with its cookies, until the provider sends it back to loopback. */
async function browse(url: string): Promise<string> {
  const cookies = new Map<string, string>();
  let next = url;
  for (let step = 0; step < 10; step += 1) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(next, { redirect: "manual", headers: { cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (name !== undefined) cookies.set(name, value ?? "");
    }
    const location = response.headers.get("location");
    assert.ok(location !== null, `${next} answers ${response.status}: ${await response.text()}`);
    next = new URL(location, next).href;
    if (next.includes("/callback?")) return next;
  }
  return assert.fail("too many redirects");
}

function secrets() {
  const random = (): string => randomBytes(32).toString("base64url");
  const codeVerifier = random();
  return {
    state: random(),
    nonce: random(),
    codeVerifier,
    codeChallenge: createHash("sha256").update(codeVerifier).digest("base64url"),
  };
}

describe("login by an identity provider", () => {
  let postgres: TestPostgres;
  let server: TestServer;
  let person = "alice";
  let provider: Awaited<ReturnType<typeof startProvider>>;
  before(async () => {
    postgres = await startTestPostgres();
    provider = await startProvider(() => person);
    const env = { WCS_OIDC_ISSUER: provider.issuer, WCS_OIDC_CLIENT_ID: "wcs", WCS_OIDC_ALLOW_HTTP: "yes" };
    server = await startTestServer(await postgres.createDatabase(), { env });
    await makePerson(server.admin, "alice");
  });
  after(async () => {
    await server.stop();
    provider.server.closeAllConnections();
    provider.server.close();
    await postgres.stop();
  });

  async function arrive(own: ReturnType<typeof secrets>): Promise<string> {
    const { state, nonce, codeChallenge } = own;
    const body = { redirectUri: "http://127.0.0.1:1/callback", state, nonce, codeChallenge };
    return await browse((await server.clientOf("").call(start, { body })).body.authorizationUrl);
  }
  const refused = (error: unknown): boolean => error instanceof ProblemError && error.problem.code === "login.refused";

  it("works from the command line with PKCE on a loopback port, and logs out again", async () => {
    const home = mkdtempSync(join(tmpdir(), "wcs-home-"));
    try {
      const env = { PATH: process.env["PATH"], HOME: home, WCS_SERVER: server.url };
      const child = spawn(cli, ["login", "--no-browser"], { env, stdio: ["ignore", "pipe", "pipe"] });
      let said = "";
      const address = Promise.withResolvers<string>();
      child.stderr.on("data", (part: Buffer) => {
        said += part.toString();
        const [url] = /http:\/\/\S+\/auth\?\S+/.exec(said) ?? [];
        if (url !== undefined) address.resolve(url);
      });
      const exited = once(child, "exit") as Promise<[number]>;
      const back = await browse(await address.promise);
      assert.equal((await fetch(back)).status, 200);
      const [code] = await exited;
      assert.equal(code, 0, said);
      assert.match(said, /logged in to \S+ as alice/);
      const file = join(home, ".config/wcs/login.json");
      assert.equal(statSync(file).mode & 0o777, 0o600);
      const { tokens } = JSON.parse(readFileSync(file, "utf8")) as { tokens: Record<string, string> };
      const alice = server.clientOf(tokens[server.url] ?? "");
      const { body } = await alice.call(tokenOperations[0], { query: {} });
      assert.deepEqual(
        body.items.map(({ subject }) => subject),
        [{ kind: "Person", name: "alice" }],
      );

      const out = spawn(cli, ["logout"], { env, stdio: "inherit" });
      assert.deepEqual(await once(out, "exit"), [0, null]);
      assert.deepEqual((JSON.parse(readFileSync(file, "utf8")) as { tokens: object }).tokens, {});
    } finally {
      rmSync(home, { recursive: true });
    }
  });

  it("refuses a code with another verifier, another state, another nonce, and a code that was used", async () => {
    const client = server.clientOf("");
    const own = secrets();
    const other = secrets();
    const end = async (change: Partial<ReturnType<typeof secrets>>) => {
      const { state, nonce, codeVerifier } = { ...own, ...change };
      const callbackUrl = await arrive(own);
      return await client.call(finish, { body: { callbackUrl, state, nonce, codeVerifier } });
    };
    await assert.rejects(end({ codeVerifier: other.codeVerifier }), refused);
    await assert.rejects(end({ state: other.state }), refused);
    await assert.rejects(end({ nonce: other.nonce }), refused);
    const callbackUrl = await arrive(own);
    const { state, nonce, codeVerifier } = own;
    assert.equal(
      (await client.call(finish, { body: { callbackUrl, state, nonce, codeVerifier } })).body.person,
      "alice",
    );
    await assert.rejects(client.call(finish, { body: { callbackUrl, state, nonce, codeVerifier } }), refused);
  });

  it("gives nothing to somebody who is not in the estate, and writes the attempt down", async () => {
    person = "mallory";
    const own = secrets();
    const callbackUrl = await arrive(own);
    const { state, nonce, codeVerifier } = own;
    const ending = server.clientOf("").call(finish, { body: { callbackUrl, state, nonce, codeVerifier } });
    await assert.rejects(ending, refused);
    const rows = await server.running.platform.database.query(
      "SELECT entry::jsonb ->> 'outcome' AS outcome FROM audit_entries WHERE actor = 'mallory'",
    );
    assert.deepEqual(rows, [{ outcome: "denied" }]);
  });

  it("does not send a code anywhere but to loopback", async () => {
    const { state, nonce, codeChallenge } = secrets();
    const body = { redirectUri: "http://evil.example/callback", state, nonce, codeChallenge };
    await assert.rejects(server.clientOf("").call(start, { body }), /does not fit its schema/);
  });
});
