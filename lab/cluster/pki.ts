import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { generateKeyPairSync } from "node:crypto";
import { dirname, join } from "node:path";
import { apiPort } from "../network/firewall.ts";
import { serviceAddress } from "../network/plan-fabric.ts";
import { run } from "../process/run.ts";
import { clusterDir, clusterPkiDir } from "../state/paths.ts";
import { named, nodeAddress } from "../topology/find.ts";
import type { Cluster, Topology } from "../topology/schema.ts";

const validDays = "3650";

/** Certificate, key and kubeconfig files of one identity. */
export const identityFiles = (cluster: string, identity: string) => ({
  certificate: join(clusterPkiDir(cluster), `${identity}.crt`),
  key: join(clusterPkiDir(cluster), `${identity}.key`),
  kubeconfig: join(clusterDir(cluster), `${identity}.kubeconfig`),
});
export const authorityFile = (cluster: string) => join(clusterPkiDir(cluster), "ca.crt");
export const serviceAccountFiles = (cluster: string) => ({
  key: join(clusterPkiDir(cluster), "service-accounts.key"),
  publicKey: join(clusterPkiDir(cluster), "service-accounts.pub"),
});
export const nodeIdentity = (host: string) => `node-${host}`;

/** Makes a cluster's certificate authority, certificates and kubeconfigs, all new. */
export async function makePki(topology: Topology, cluster: Cluster): Promise<void> {
  const folder = clusterPkiDir(cluster.name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const authorityKey = join(folder, "ca.key");
  await run("openssl", [
    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", authorityKey,
    "-out", authorityFile(cluster.name), "-days", validDays, "-subj", `/CN=${cluster.name} authority`,
    "-addext", "keyUsage=critical,keyCertSign,cRLSign",
  ]); // prettier-ignore

  const issue = async (identity: string, subject: string, alternativeNames: readonly string[]) => {
    const files = identityFiles(cluster.name, identity);
    await run("openssl", [
      "req", "-x509", "-CA", authorityFile(cluster.name), "-CAkey", authorityKey, "-newkey", "ec",
      "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", files.key, "-out", files.certificate, "-days", validDays,
      "-subj", subject, "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "keyUsage=critical,digitalSignature",
      "-addext", "extendedKeyUsage=serverAuth,clientAuth",
      ...(alternativeNames.length > 0 ? ["-addext", `subjectAltName=${alternativeNames.join(",")}`] : []),
    ]); // prettier-ignore
    writeKubeconfig(cluster, identity);
  };
  await Promise.all([
    issue("kube-apiserver", "/CN=kube-apiserver", [
      "IP:127.0.0.1",
      `IP:${cluster.address}`,
      `IP:${serviceAddress(cluster.services)}`,
      "DNS:localhost",
      "DNS:kubernetes",
      "DNS:kubernetes.default",
      "DNS:kubernetes.default.svc",
      "DNS:kubernetes.default.svc.cluster.local",
    ]),
    issue("admin", "/O=system:masters/CN=admin", []),
    issue("kubelet-client", "/O=system:masters/CN=kube-apiserver-kubelet-client", []),
    issue("kube-controller-manager", "/CN=system:kube-controller-manager", []),
    issue("kube-scheduler", "/CN=system:kube-scheduler", []),
    ...cluster.hosts.map((name) => {
      const host = named(topology.hosts, name, "host");
      return issue(nodeIdentity(name), `/O=system:nodes/CN=system:node:${name}`, [
        `DNS:${name}`,
        `IP:${nodeAddress(host)}`,
      ]);
    }),
  ]);

  const pair = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  writeFileSync(serviceAccountFiles(cluster.name).publicKey, pair.publicKey);
  writeFileSync(serviceAccountFiles(cluster.name).key, pair.privateKey, { mode: 0o600 });
}

/** A kubeconfig that holds all it needs, so that it can be copied anywhere that reaches the address. */
function writeKubeconfig(cluster: Cluster, identity: string): void {
  const files = identityFiles(cluster.name, identity);
  const base64 = (file: string) => readFileSync(file).toString("base64");
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: cluster.name,
        cluster: {
          server: `https://${cluster.address}:${apiPort}`,
          "certificate-authority-data": base64(authorityFile(cluster.name)),
        },
      },
    ],
    users: [
      {
        name: identity,
        user: { "client-certificate-data": base64(files.certificate), "client-key-data": base64(files.key) },
      },
    ],
    contexts: [{ name: cluster.name, context: { cluster: cluster.name, user: identity } }],
    "current-context": cluster.name,
  };
  mkdirSync(dirname(files.kubeconfig), { recursive: true });
  writeFileSync(files.kubeconfig, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 }); // JSON is YAML
}
