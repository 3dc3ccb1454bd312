import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { KubeconfigError, certificateValidity, formatKubeconfig, parseKubeconfig } from "./kubeconfig.ts";
import { createAuthority, type KeyPair } from "./testing/pki.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");

function refusal(text: string, options?: Parameters<typeof parseKubeconfig>[1]): KubeconfigError {
  try {
    parseKubeconfig(text, options);
  } catch (error) {
    assert.ok(error instanceof KubeconfigError, String(error));
    return error;
  }
  return assert.fail("it was taken");
}

describe("a kubeconfig", () => {
  let pair: KeyPair;
  let other: KeyPair;
  let ca: string;
  const directory = mkdtempSync(join(tmpdir(), "wcs-kubeconfig-"));
  before(async () => {
    const authority = await createAuthority(directory);
    ca = authority.certificatePem;
    pair = await authority.issue({ name: "user", subject: "/CN=user" });
    other = await authority.issue({ name: "other", subject: "/CN=other", days: -1 });
  });
  after(() => rmSync(directory, { recursive: true }));

  const kubeconfig = (user: string, cluster = "") => `apiVersion: v1
kind: Config
current-context: one
contexts:
  - name: one
    context: {cluster: c, user: u}
clusters:
  - name: c
    cluster:
      server: https://10.0.0.1:6443/
      certificate-authority-data: ${base64(ca)}
${cluster}
users:
  - name: u
    user:
${user}
`;

  it("with a client certificate is read, written and read again as the same", () => {
    const text = kubeconfig(
      `      client-certificate-data: ${base64(pair.certificatePem)}\n      client-key-data: ${base64(pair.keyPem)}`,
    );
    const access = parseKubeconfig(text);
    assert.equal(access.server, "https://10.0.0.1:6443");
    assert.equal(access.caPem, ca);
    assert.deepEqual(access.credential, {
      kind: "certificate",
      certificatePem: pair.certificatePem,
      keyPem: pair.keyPem,
    });
    assert.deepEqual(parseKubeconfig(formatKubeconfig(access)), access);
  });

  it("with a token is read, and has no end of validity that we could know", () => {
    const access = parseKubeconfig(kubeconfig("      token: abc.def"));
    assert.deepEqual(access.credential, { kind: "token", token: "abc.def" });
    assert.equal(certificateValidity(access.credential), null);
  });

  it("may name files only where the reader allows it", () => {
    const text = kubeconfig("      client-certificate: /pki/a.crt\n      client-key: /pki/a.key");
    const error = refusal(text);
    assert.equal(error.field, "users[0].user.client-certificate");
    assert.match(error.advice, /--flatten/);
    const readFile = (path: string) => (path === "/pki/a.crt" ? pair.certificatePem : pair.keyPem);
    assert.equal(parseKubeconfig(text, { readFile }).credential.kind, "certificate");
    const unreadable = refusal(text, {
      readFile: () => {
        throw new Error("no such file");
      },
    });
    assert.match(unreadable.message, /no such file/);
  });

  for (const [field, user, message] of [
    ["users[0].user.exec", "      exec: {command: aws, args: [eks]}", /never run here/],
    ["users[0].user.auth-provider", "      auth-provider: {name: gcp}", /1\.26/],
    ["users[0].user.password", "      token: a\n      password: b", /1\.19/],
    ["users[0].user.as", "      token: a\n      as: root", /impersonation/],
    ["users[0].user", "      {}", /neither a client certificate nor a token/],
    ["users[0].user.client-key-data", "      client-certificate-data: QQ==", /needs its key/],
    [
      "users[0].user.client-certificate-data",
      "      client-certificate-data: '*'\n      client-key-data: QQ==",
      /base64/,
    ],
    ["users[0].user.token", '      token: "a\\nb"', /characters/],
  ] as const) {
    it(`is refused for ${field}: ${user.trim()}`, () => {
      const error = refusal(kubeconfig(user));
      assert.equal(error.field, field);
      assert.match(error.message, message);
      assert.ok(error.line !== null && error.line >= 14, `line ${error.line}`);
    });
  }

  it("is refused when key and certificate do not belong together", () => {
    const error = refusal(
      kubeconfig(
        `      client-certificate-data: ${base64(pair.certificatePem)}\n      client-key-data: ${base64(other.keyPem)}`,
      ),
    );
    assert.equal(error.field, "users[0].user.client-key-data");
    assert.match(error.message, /does not belong/);
  });

  it("is refused when it would not check the server, goes by a proxy or is not encrypted", () => {
    assert.match(refusal(kubeconfig("      token: a", "      insecure-skip-tls-verify: true")).message, /line 12/);
    assert.equal(
      refusal(kubeconfig("      token: a", "      proxy-url: http://p")).field,
      "clusters[0].cluster.proxy-url",
    );
    const plain = kubeconfig("      token: a").replace("https://10", "http://10");
    assert.match(refusal(plain).message, /line 10, clusters\[0\]\.cluster\.server: http:\/\/ is not encrypted/);
  });

  it("is refused when it is no YAML, names nothing, or names what is not there", () => {
    assert.match(refusal("a: [").message, /line 1, \(file\): it is not YAML/);
    assert.match(refusal("just text").message, /not a kubeconfig/);
    assert.equal(refusal("kind: Config").field, "current-context");
    assert.match(refusal(kubeconfig("      token: a"), { context: "two" }).message, /no entry "two"/);
    assert.match(refusal(`kind: Config # ${"x".repeat(1024 * 1024)}`).message, /larger than 1 MiB/);
  });

  it("tells when its certificate ends", () => {
    const credential = { kind: "certificate", certificatePem: other.certificatePem, keyPem: other.keyPem } as const;
    const validity = certificateValidity(credential);
    assert.ok(validity !== null && validity.until.getTime() < Date.now());
  });
});
