import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { apiPort } from "../network/firewall.ts";
import { assertRunning, startDaemon, type Daemon } from "../process/daemon.ts";
import { waitFor } from "../process/wait.ts";
import { clusterDir } from "../state/paths.ts";
import type { Cluster } from "../topology/schema.ts";
import { apiRequest } from "./api-request.ts";
import { authorityFile, identityFiles, serviceAccountFiles } from "./pki.ts";

/** Folder of the Kubernetes and etcd programs. */
export type Binaries = Readonly<{ kubernetes: string; etcd: string }>;

/** Off by default in 1.35: with it a StatefulSet updates several pods at a time, which benches compare with. */
const featureGates = "--feature-gates=MaxUnavailableStatefulSet=true";

/** The four programs of a control plane, in the order in which they can start. */
export function controlPlaneDaemons(cluster: Cluster, binaries: Binaries): Daemon[] {
  const { name } = cluster;
  const folder = clusterDir(name);
  const daemon = (program: string, argv: readonly [string, ...string[]], env?: Daemon["env"]): Daemon => ({
    name: `${name}/${program}`,
    netns: name,
    argv,
    logFile: join(folder, "log", `${program}.log`),
    ...(env === undefined ? {} : { env }),
  });
  const apiserver = identityFiles(name, "kube-apiserver");
  const kubeletClient = identityFiles(name, "kubelet-client");
  const serviceAccounts = serviceAccountFiles(name);
  const controllerManager = identityFiles(name, "kube-controller-manager").kubeconfig;
  const scheduler = identityFiles(name, "kube-scheduler").kubeconfig;
  return [
    daemon("etcd", [
      join(binaries.etcd, "server"),
      `--name=${name}`,
      `--data-dir=${join(folder, "etcd")}`,
      "--listen-client-urls=http://127.0.0.1:2379",
      "--advertise-client-urls=http://127.0.0.1:2379",
      "--listen-peer-urls=http://127.0.0.1:2380",
      "--initial-advertise-peer-urls=http://127.0.0.1:2380",
      `--initial-cluster=${name}=http://127.0.0.1:2380`,
      "--unsafe-no-fsync", // the lab's data need not outlive the machine
    ]),
    daemon("kube-apiserver", [
      join(binaries.kubernetes, "kube-apiserver"),
      "--etcd-servers=http://127.0.0.1:2379",
      "--bind-address=0.0.0.0", // its address and its service address, both of this namespace only
      `--advertise-address=${cluster.address}`,
      `--secure-port=${apiPort}`,
      `--service-cluster-ip-range=${cluster.services}`,
      `--tls-cert-file=${apiserver.certificate}`,
      `--tls-private-key-file=${apiserver.key}`,
      `--client-ca-file=${authorityFile(name)}`,
      "--anonymous-auth=false",
      `--kubelet-certificate-authority=${authorityFile(name)}`,
      `--kubelet-client-certificate=${kubeletClient.certificate}`,
      `--kubelet-client-key=${kubeletClient.key}`,
      "--kubelet-preferred-address-types=InternalIP",
      `--service-account-key-file=${serviceAccounts.publicKey}`,
      `--service-account-signing-key-file=${serviceAccounts.key}`,
      "--service-account-issuer=https://kubernetes.default.svc",
      "--authorization-mode=Node,RBAC",
      "--enable-admission-plugins=NodeRestriction",
      "--allow-privileged=true",
      featureGates,
      "--profiling=false",
    ]),
    daemon("kube-controller-manager", [
      join(binaries.kubernetes, "kube-controller-manager"),
      `--kubeconfig=${controllerManager}`,
      `--authentication-kubeconfig=${controllerManager}`,
      `--authorization-kubeconfig=${controllerManager}`,
      `--service-account-private-key-file=${serviceAccounts.key}`,
      `--root-ca-file=${authorityFile(name)}`,
      "--use-service-account-credentials=true",
      "--bind-address=127.0.0.1",
      "--leader-elect=false",
      "--node-monitor-period=2s",
      "--node-monitor-grace-period=20s",
      featureGates,
      "--profiling=false",
    ]),
    daemon("kube-scheduler", [
      join(binaries.kubernetes, "kube-scheduler"),
      `--kubeconfig=${scheduler}`,
      `--authentication-kubeconfig=${scheduler}`,
      `--authorization-kubeconfig=${scheduler}`,
      "--bind-address=127.0.0.1",
      "--leader-elect=false",
      "--profiling=false",
    ]),
  ];
}

/** Starts what does not run of a control plane; returns when its API server answers and the rest has started. */
export async function startControlPlane(cluster: Cluster, binaries: Binaries): Promise<void> {
  mkdirSync(join(clusterDir(cluster.name), "etcd"), { recursive: true, mode: 0o700 });
  const [etcd, apiserver, ...rest] = controlPlaneDaemons(cluster, binaries);
  if (etcd === undefined || apiserver === undefined) return;
  await startDaemon(etcd);
  await startDaemon(apiserver);
  await waitForApi(cluster, [etcd, apiserver]);
  // before the API server answers they would exit for lack of their roles
  for (const daemon of rest) await startDaemon(daemon);
}

async function waitForApi(cluster: Cluster, daemons: readonly Daemon[]): Promise<void> {
  let last = "";
  await waitFor(
    async () => {
      for (const daemon of daemons) assertRunning(daemon);
      try {
        return (await apiRequest(cluster, "/readyz", { timeoutMs: 2000 })) === "ok";
      } catch (error) {
        last = error instanceof Error ? error.message : String(error);
        return false;
      }
    },
    { what: `API server of ${cluster.name}`, timeoutMs: 90_000, intervalMs: 150, why: () => last },
  );
}
