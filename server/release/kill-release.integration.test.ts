import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient, ProblemError, type Client } from "@wcs/api";
import { accessOperations } from "@wcs/api/access";
import { clusterOperations } from "@wcs/api/cluster";
import { changeEstate } from "@wcs/api/estate";
import { releaseOperations } from "@wcs/api/release";
import { requestOperations } from "@wcs/api/request";
import { templateOperations } from "@wcs/api/template";
import { tokenOperations } from "@wcs/api/token";
import { createKubeClient, type KubeClient } from "@wcs/kube";
import { startControlPlane, type ControlPlane } from "@wcs/kube/testing";
import { compareOutcome } from "../testing/compare-outcome.ts";
import { mainJobEstate, mainJobHosts } from "../testing/main-job-estate.ts";
import { simulateKubelets, type SimulatedKubelets } from "../testing/simulate-kubelets.ts";

// Of each the short form kills once; the long one, on the lab with agents and hosts as well, is `node e2e/kill-releases.ts`.
const rounds = Number(process.env["WCS_KILL_ROUNDS"] ?? 1);
const victims = ["API server", "server and database"] as const;
const [, createRequest, , approveRequest] = requestOperations;
const [, createRelease, getRelease, approveRelease, , startRelease] = releaseOperations;
const [, createTemplate] = templateOperations;
const [, , addCluster] = clusterOperations;
const [, createToken] = tokenOperations;
const digest = (number: number) => `sha256:${number.toString(16).padStart(64, "0")}`;

describe("kill -9 in the middle of a release", { timeout: 300_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "wcs-kill-release-"));
  const children: ChildProcess[] = [];
  let plane: ControlPlane;
  let kube: KubeClient;
  let kubelets: SimulatedKubelets;
  let port = 0;
  let token = "";
  let ann: Client;
  let bob: Client;

  before(async () => {
    plane = await startControlPlane();
    await plane.startControllerManager();
    kube = createKubeClient({ access: plane.access, userAgent: "test" });
    kubelets = simulateKubelets(kube, { hosts: mainJobHosts });
    port = await freePort();
    await startServer();
    const { admin } = clients();
    await admin.call(changeEstate, { ticket: "CHG-0", body: { documents: mainJobEstate() } });
    const rules = [{ effect: "allow" as const, verbs: ["*"], resources: ["*"] }];
    await admin.call(accessOperations.Role.create, { body: { name: "everything", spec: { rules } } });
    const subjects = ["ann", "bob"].map((name) => ({ kind: "Person" as const, name }));
    const spec = { role: "everything", subjects, businesses: ["retail"] };
    await admin.call(accessOperations.RoleBinding.create, { body: { name: "retail-all", spec } });
    [ann, bob] = [await personOf("ann"), await personOf("bob")];
    await admin.call(addCluster, { ticket: "CHG-0", body: { name: "idc1-c1", kubeconfig: plane.kubeconfig } });
    const body = { subsystem: "1001", class: "2C4G", counts: { "1C1": 4, "1C2": 4 } };
    const request = await until("the hosts to be heard of", async () =>
      ann.call(createRequest, { body, ticket: "CHG-1" }).then(
        (made) => made.body,
        () => false as const,
      ),
    );
    await bob.call(approveRequest, { params: { id: request.id }, body: { planHash: request.planHash } });
    const image = { image: "registry.bank.example/retail/query", user: { uid: 1000, gid: 1000 } };
    await ann.call(createTemplate, { body: { subsystem: "1001", spec: image } });
    await releaseIs(await release(1), "done");
  });
  after(async () => {
    for (const child of children) child.kill("SIGTERM");
    await Promise.all(children.map(async (child) => child.exitCode ?? child.signalCode ?? (await once(child, "exit"))));
    await kubelets?.stop();
    kube?.close();
    await plane?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const clients = () => ({ admin: createClient({ baseUrl: `http://127.0.0.1:${port}`, token, timeoutMs: 10_000 }) });
  const personOf = async (name: string): Promise<Client> => {
    const body = { subject: { kind: "Person" as const, name }, lifetimeHours: 1 };
    const { text } = (await clients().admin.call(createToken, { body })).body;
    return createClient({ baseUrl: `http://127.0.0.1:${port}`, token: text, timeoutMs: 10_000 });
  };
  const until = async <T>(what: string, look: () => Promise<T | false>): Promise<T> => {
    for (let waitedMs = 0; waitedMs < 90_000; waitedMs += 100) {
      const seen = await look();
      if (seen !== false) return seen;
      await sleep(100);
    }
    return assert.fail(`waited 90 s for ${what}`);
  };
  /** A real server process with the embedded, durable PostgreSQL. */
  async function startServer(): Promise<void> {
    const child = spawn(process.execPath, [join(import.meta.dirname, "../program/main.ts")], {
      env: {
        PATH: process.env["PATH"],
        WCS_LISTEN: `127.0.0.1:${port}`,
        WCS_STATE_DIR: folder,
        WCS_LOG_LEVEL: "silent",
        WCS_REQUESTS_PER_MINUTE: "1000000",
      },
      stdio: ["ignore", "ignore", "pipe"],
    });
    children.push(child);
    let said = "";
    child.stderr?.on("data", (part: Buffer) => {
      said += part.toString();
      token = /wcs_[0-9a-f]{20}_[A-Za-z0-9_-]{43}/.exec(said)?.[0] ?? token;
    });
    for (let waitedMs = 0; !said.includes("WCS listens on"); waitedMs += 20) {
      assert.ok(waitedMs < 60_000 && child.exitCode === null, `the server did not start: ${said}`);
      await sleep(20);
    }
  }
  const killServer = async (): Promise<void> => {
    const running = children.at(-1);
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const exited = once(running, "exit");
    running.kill("SIGKILL");
    await exited;
  };
  const kill: Readonly<Record<(typeof victims)[number], () => Promise<void>>> = {
    "server and database": async () => {
      const pid = Number(readFileSync(join(folder, "postgres/data/postmaster.pid"), "utf8").split("\n")[0]);
      process.kill(pid, "SIGKILL");
      // The embedded PostgreSQL is the server's: a new server starts it again and recovers.
      await killServer();
      await startServer();
    },
    "API server": async () => {
      await plane.killApiserver();
      await sleep(500);
      await plane.startApiserver();
    },
  };
  const releases: { id: string; imageDigest: string }[] = [];
  async function release(number: number): Promise<string> {
    const made = await ann.call(createRelease, {
      ticket: `CHG-${100 + number}`,
      body: {
        subsystem: "1001",
        environment: "production",
        template: 1,
        imageDigest: digest(number),
        rollbackTo: "previous",
        verification: "it answers",
        gates: { soakSeconds: 0, readyTimeoutSeconds: 90 },
        strategy: { canary: null, batch: { instances: 2 }, pauseAfter: "none" },
        goOnWithoutCluster: true,
      },
    });
    const { id, planHash } = made.body;
    await bob.call(approveRelease, { params: { id }, body: { planHash } });
    await ann.call(startRelease, { params: { id }, body: {} });
    releases.push({ id, imageDigest: digest(number) });
    return id;
  }
  /** What a release says; while the server is away it is asked again. */
  const seen = async (id: string) => {
    try {
      return (await ann.call(getRelease, { params: { id } })).body;
    } catch (error) {
      if (error instanceof ProblemError && error.problem.status < 500) throw error;
      return null;
    }
  };
  const releaseIs = (id: string, state: string) =>
    until(`${id} to be ${state}`, async () => {
      const now = await seen(id);
      if (now?.state === "failed") assert.fail(JSON.stringify(now.targets.map(({ failure }) => failure)));
      return now?.state === state;
    });

  it("loses, doubles and spoils nothing, by the record, the ledger, Kubernetes and the audit apart", async () => {
    for (let round = 1; round <= rounds; round += 1) {
      const id = await release(1 + round);
      for (const [at, victim] of victims.entries()) {
        await until("it to be in the middle", async () => ((await seen(id))?.passed ?? 0) > at * 2);
        await kill[victim]();
      }
      await releaseIs(id, "done");
      const faults = await until("what is seen to be written down", async () => {
        const { admin } = clients();
        const found = await compareOutcome({ admin, clusters: [kube], namespace: "wcs-retail", releases });
        return found.some((fault) => / is (?:starting|unready)$/.test(fault)) ? false : found;
      });
      assert.deepEqual(faults, []);
    }
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
