import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const openssl = (...args: string[]) => run("openssl", args);
const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

export type KeyPair = Readonly<{ certificatePem: string; keyPem: string; certificatePath: string; keyPath: string }>;

export type Authority = Readonly<{
  certificatePem: string;
  certificatePath: string;
  issue: (order: CertificateOrder) => Promise<KeyPair>;
}>;

export type CertificateOrder = Readonly<{
  name: string;
  /** As openssl takes it: `/O=system:masters/CN=admin`. */
  subject: string;
  /** As openssl takes it: `IP:127.0.0.1,DNS:localhost`. */
  alternativeNames?: string;
  /** Negative for one that has expired. Default 2. */
  days?: number;
}>;

async function pairAt(directory: string, name: string): Promise<KeyPair> {
  const certificatePath = join(directory, `${name}.crt`);
  const keyPath = join(directory, `${name}.key`);
  const [certificatePem, keyPem] = await Promise.all([readFile(certificatePath, "utf8"), readFile(keyPath, "utf8")]);
  return { certificatePem, keyPem, certificatePath, keyPath };
}

/** A certificate authority for one test, in files of `directory`. */
export async function createAuthority(directory: string, name = "ca"): Promise<Authority> {
  const base = join(directory, name);
  await openssl(
    "req",
    "-x509",
    ...newKey,
    "-keyout",
    `${base}.key`,
    "-out",
    `${base}.crt`,
    "-days",
    "2",
    "-subj",
    `/CN=${name}`,
  );
  const authority = await pairAt(directory, name);
  return {
    certificatePem: authority.certificatePem,
    certificatePath: authority.certificatePath,
    issue: async ({ name: leaf, subject, alternativeNames = "DNS:localhost", days = 2 }) => {
      const at = join(directory, leaf);
      await openssl("req", ...newKey, "-keyout", `${at}.key`, "-out", `${at}.csr`, "-subj", subject);
      await writeFile(`${at}.ext`, `subjectAltName=${alternativeNames}\nextendedKeyUsage=serverAuth,clientAuth\n`);
      const signing = ["-CA", `${base}.crt`, "-CAkey", `${base}.key`, "-extfile", `${at}.ext`];
      const serial = `0x${Buffer.from(leaf).toString("hex").slice(0, 30)}`;
      const output = ["-set_serial", serial, "-days", String(days), "-out", `${at}.crt`];
      await openssl("x509", "-req", "-in", `${at}.csr`, ...signing, ...output);
      return pairAt(directory, leaf);
    },
  };
}
