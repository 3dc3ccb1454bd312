import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { createKubeClient } from "../client.ts";
import { KubeError } from "../errors.ts";
import { formatKubeconfig, type ClusterAccess } from "../kubeconfig.ts";
import { findKubeBinary } from "./binaries.ts";
import { createAuthority, type Authority } from "./pki.ts";
import { freePorts, startProgram, waitUntilHealthy, type Program } from "./program.ts";

const run = promisify(execFile);

/** A real kube-apiserver with its own etcd on loopback, in a temporary folder. */
export type ControlPlane = Readonly<{
  server: string;
  authority: Authority;
  /** As a member of system:masters. */
  access: ClusterAccess;
  kubeconfig: string;
  /** As someone else; `days` negative for a certificate that has expired. */
  accessFor: (
    user: string,
    options?: Readonly<{ groups?: readonly string[]; days?: number }>,
  ) => Promise<ClusterAccess>;
  /** kill -9. */
  killApiserver: () => Promise<void>;
  startApiserver: () => Promise<void>;
  /** SIGSTOP: connections stay open and nothing answers. */
  pauseApiserver: () => Promise<void>;
  resumeApiserver: () => Promise<void>;
  /** The controllers of Kubernetes (StatefulSet, namespace, garbage collector …), with what its command line shall say besides. */
  startControllerManager: (argv?: readonly string[]) => Promise<void>;
  /** Makes etcd forget all but the present state. */
  compact: () => Promise<void>;
  stop: () => Promise<void>;
}>;

/** Whether every thread of the process stands still (`State: T`, proc_pid_status(5)). */
async function isStopped(pid: number): Promise<boolean> {
  const threads = await readdir(`/proc/${pid}/task`);
  const states = await Promise.all(threads.map((id) => readFile(`/proc/${pid}/task/${id}/status`, "utf8")));
  return states.every((state) => /^State:\tT/m.test(state));
}

/** Starts etcd and kube-apiserver and waits until `/readyz` answers (about 4 s). */
export async function startControlPlane(): Promise<ControlPlane> {
  const etcdFile = findKubeBinary("etcd", "server");
  const apiserverFile = findKubeBinary("kube-apiserver");
  const directory = await mkdtemp(join(tmpdir(), "wcs-kube-"));
  const [securePort, etcdPort, peerPort] = (await freePorts(3)) as [number, number, number];
  const server = `https://127.0.0.1:${securePort}`;
  const etcdUrl = `http://127.0.0.1:${etcdPort}`;
  const authority = await createAuthority(directory);
  const serving = await authority.issue({
    name: "apiserver",
    subject: "/CN=kube-apiserver",
    alternativeNames: "IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc",
  });
  await run("openssl", ["genrsa", "-out", join(directory, "sa.key"), "2048"]);
  await run("openssl", ["rsa", "-in", join(directory, "sa.key"), "-pubout", "-out", join(directory, "sa.pub")]);

  let issued = 0;
  const accessFor: ControlPlane["accessFor"] = async (user, { groups = [], days = 2 } = {}) => {
    issued += 1;
    const subject = [...groups.map((group) => `/O=${group}`), `/CN=${user}`].join("");
    const pair = await authority.issue({ name: `user-${issued}`, subject, days });
    return {
      server,
      caPem: authority.certificatePem,
      credential: { kind: "certificate", certificatePem: pair.certificatePem, keyPem: pair.keyPem },
    };
  };
  const access = await accessFor("admin", { groups: ["system:masters"] });
  const running: { etcd: Program | null; apiserver: Program | null; controllers: Program | null } = {
    etcd: null,
    apiserver: null,
    controllers: null,
  };

  const startApiserver = async () => {
    const logPath = join(directory, "apiserver.log");
    const program = startProgram(
      apiserverFile,
      [
        `--etcd-servers=${etcdUrl}`,
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        `--secure-port=${securePort}`,
        "--service-cluster-ip-range=10.96.0.0/16",
        `--tls-cert-file=${serving.certificatePath}`,
        `--tls-private-key-file=${serving.keyPath}`,
        `--client-ca-file=${authority.certificatePath}`,
        `--service-account-key-file=${join(directory, "sa.pub")}`,
        `--service-account-signing-key-file=${join(directory, "sa.key")}`,
        "--service-account-issuer=https://kubernetes.default.svc",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        "--endpoint-reconciler-type=none",
        "--shutdown-delay-duration=0s",
      ],
      logPath,
    );
    running.apiserver = program;
    const client = createKubeClient({ access, userAgent: "wcs-kube-testing", callsPerSecond: 100, maxAttempts: 1 });
    const check = async () => {
      try {
        await client.text("/readyz", { timeoutMs: 2_000 });
        return true;
      } catch (error) {
        if (error instanceof KubeError) return false;
        throw error;
      }
    };
    try {
      await waitUntilHealthy(program, { check, logPath, timeoutMs: 60_000 });
    } finally {
      client.close();
    }
  };

  const stop = async () => {
    for (const program of [running.controllers, running.apiserver, running.etcd]) await program?.kill("SIGKILL");
    await rm(directory, { recursive: true, force: true });
  };

  try {
    const logPath = join(directory, "etcd.log");
    running.etcd = startProgram(
      etcdFile,
      [
        "--name=test",
        `--data-dir=${join(directory, "etcd")}`,
        "--unsafe-no-fsync",
        `--listen-client-urls=${etcdUrl}`,
        `--advertise-client-urls=${etcdUrl}`,
        `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
        `--initial-advertise-peer-urls=http://127.0.0.1:${peerPort}`,
        `--initial-cluster=test=http://127.0.0.1:${peerPort}`,
      ],
      logPath,
    );
    const check = async () =>
      fetch(`${etcdUrl}/health`).then(
        (response) => response.ok,
        () => false,
      );
    await waitUntilHealthy(running.etcd, { check, logPath, timeoutMs: 30_000 });
    await startApiserver();
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    server,
    authority,
    access,
    kubeconfig: formatKubeconfig(access),
    accessFor,
    killApiserver: async () => running.apiserver?.kill("SIGKILL"),
    startApiserver,
    pauseApiserver: async () => {
      const { apiserver } = running;
      if (apiserver === null) return;
      await apiserver.kill("SIGSTOP");
      // The signal reaches a process of many threads a moment later.
      const deadline = Date.now() + 10_000;
      while (!(await isStopped(apiserver.pid))) {
        if (Date.now() > deadline) throw new Error("the API server does not stop");
        await sleep(2);
      }
    },
    resumeApiserver: async () => running.apiserver?.kill("SIGCONT"),
    startControllerManager: async (argv = []) => {
      const [port] = (await freePorts(1)) as [number];
      const pair = await authority.issue({ name: "controllers", subject: "/CN=system:kube-controller-manager" });
      const kubeconfigPath = join(directory, "controllers.kubeconfig");
      await writeFile(
        kubeconfigPath,
        formatKubeconfig({
          ...access,
          credential: { kind: "certificate", certificatePem: pair.certificatePem, keyPem: pair.keyPem },
        }),
      );
      const logPath = join(directory, "controllers.log");
      running.controllers = startProgram(
        findKubeBinary("kube-controller-manager"),
        [
          `--kubeconfig=${kubeconfigPath}`,
          `--service-account-private-key-file=${join(directory, "sa.key")}`,
          `--root-ca-file=${authority.certificatePath}`,
          "--use-service-account-credentials=true",
          "--leader-elect=true",
          "--bind-address=127.0.0.1",
          `--secure-port=${port}`,
          `--tls-cert-file=${serving.certificatePath}`,
          `--tls-private-key-file=${serving.keyPath}`,
          ...argv,
        ],
        logPath,
      );
      // It has no readiness of its own that tells more than the lease it takes; the caller waits for what it needs.
    },
    compact: async () => {
      const post = async (path: string, body: unknown) => {
        const response = await fetch(`${etcdUrl}/v3/kv/${path}`, { method: "POST", body: JSON.stringify(body) });
        if (!response.ok) throw new Error(`etcd ${path}: ${response.status} ${await response.text()}`);
        return (await response.json()) as { header: { revision: string } };
      };
      const { header } = await post("range", { key: Buffer.from("/none").toString("base64") });
      await post("compaction", { revision: header.revision, physical: true });
    },
    stop,
  };
}
