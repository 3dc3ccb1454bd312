import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient, type Client } from "@wcs/api";
import { clusterOperations } from "@wcs/api/cluster";
import { changeEstate } from "@wcs/api/estate";
import { placementOperations } from "@wcs/api/placement";
import { requestOperations } from "@wcs/api/request";
import type { Estate } from "@wcs/core/placement";
import { formatKubeconfig } from "@wcs/kube";
import type { ControlPlane } from "@wcs/kube/testing";

const [, createRequest] = requestOperations;
const [, , addCluster] = clusterOperations;
const clients = 8;
const dcn = "1C1";
const url = "http://127.0.0.1:18097";

/** What a subsystem asks for at once. */
export type WantedInstances = Readonly<{ subsystem: string; class: string; count: number }>;

/** Requests that the real server planned and delivered: hosts, quota and addresses promised in its database. */
export type ServerRun = Readonly<{ instances: number; seconds: number; requestMs: number[]; planMs: number[] }>;

/**
 * Asks the real server, in a process of its own with its embedded PostgreSQL, for instances on the hosts of a real API server; several clients
 * at once. The environment asks for no approval, so that each request is planned, delivered and answered in one call.
 */
export async function placeThroughServer(
  plane: ControlPlane,
  estate: Estate,
  wanted: readonly WantedInstances[],
): Promise<ServerRun> {
  const state = mkdtempSync(join(tmpdir(), "wcs-bench-"));
  const server = await startServer(state);
  try {
    const client = createClient({ baseUrl: url, token: server.token });
    const documents = documentsOf(estate);
    for (let at = 0; at < documents.length; at += 1_000) {
      await client.call(changeEstate, { body: { documents: documents.slice(at, at + 1_000) } });
    }
    // Guarantees come last: they may not exceed the hosts of the pool.
    await client.call(changeEstate, { body: { documents: [poolOf(estate, true)] } });
    await client.call(addCluster, {
      body: { name: estate.clusters[0]!.id, kubeconfig: formatKubeconfig(plane.access) },
    });
    await waitForHosts(client, estate);
    const planMs: number[] = [];
    for (const { subsystem, class: size, count } of wanted.slice(0, 100)) {
      const items = [{ subsystem, class: size, areas: ["core"], counts: { [dcn]: count } }];
      const started = performance.now();
      const { body } = await client.call(placementOperations.plan, { body: { items } });
      planMs.push(performance.now() - started);
      if (body.outcome === "refusal") throw new Error(body.text.en);
    }
    const requestMs: number[] = [];
    const started = performance.now();
    const queue = wanted.values();
    const work = async (): Promise<number> => {
      let made = 0;
      for (const { subsystem, class: size, count } of queue) {
        const asked = performance.now();
        const { body } = await client.call(createRequest, {
          body: { subsystem, class: size, counts: { [dcn]: count } },
        });
        requestMs.push(performance.now() - asked);
        if (body.state !== "delivered") throw new Error(`${body.id} is ${body.state}`);
        made += body.instances.length;
      }
      return made;
    };
    const made = await Promise.all(Array.from({ length: clients }, work));
    const seconds = (performance.now() - started) / 1000;
    return { instances: made.reduce((sum, each) => sum + each, 0), seconds, requestMs, planMs };
  } finally {
    await server.stop();
    rmSync(state, { recursive: true, force: true });
  }
}

async function startServer(state: string) {
  const child = spawn(join(import.meta.dirname, "../cli/bin/wcs"), ["server"], {
    env: {
      ...process.env,
      WCS_STATE_DIR: state,
      WCS_LISTEN: new URL(url).host,
      WCS_LOG_LEVEL: "error",
      WCS_REQUESTS_PER_MINUTE: "10000000",
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (part: Buffer) => (said += part.toString()));
  for (let waitedMs = 0; !said.includes("WCS listens on"); waitedMs += 50) {
    if (child.exitCode !== null || waitedMs > 120_000) throw new Error(`the server does not start: ${said}`);
    await sleep(50);
  }
  return {
    token: /wcs_[0-9a-f]{20}_[A-Za-z0-9_-]{43}/.exec(said)?.[0] ?? "",
    stop: async () => {
      if (child.exitCode !== null) return;
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}

async function waitForHosts(client: Client, estate: Estate): Promise<void> {
  for (let waitedMs = 0; waitedMs < 180_000; waitedMs += 500) {
    const params = { name: estate.pools[0]!.id };
    const { body } = await client.call(placementOperations.getPoolUse, { params });
    const addresses = body.racks.filter(({ freeIps }) => (freeIps["core"] ?? 0) > 0).length;
    // A class fits only on hosts whose nodes are known and ready.
    const fits = body.fragmentation.find((each) => each.class === "8C16G")?.fits ?? 0;
    if (addresses === estate.racks.length && fits === estate.hosts.length * 2) return;
    await sleep(500);
  }
  throw new Error("the server does not come to know the hosts");
}

function poolOf({ pools }: Estate, isWhole: boolean): unknown {
  const { id: name, shares } = pools[0]!;
  const quotas = shares.map(({ business, guarantee, limit }) => {
    return [business, { guarantee: isWhole ? guarantee : { cpuMilli: 0, memoryMiB: 0 }, limit }] as const;
  });
  const spec = { environment: "production", bigClass: "8C16G", quotas: Object.fromEntries(quotas) };
  return { kind: "Pool", name, spec };
}

/** The bench's bank as documents of the estate, in one environment without approvals. */
function documentsOf(estate: Estate): unknown[] {
  const { pools, clusters, idcs } = estate;
  const doc = (kind: string, name: string, spec: object = {}) => ({ kind, name, spec });
  const pool = pools[0]!;
  const numbers = new Map(estate.racks.map(({ id }, at) => [id, at]));
  const inRack = new Map<string, number>();
  const network = (rack: string) => {
    const at = (numbers.get(rack) ?? 0) * 2;
    return `10.${Math.floor(at / 256)}.${at % 256}`;
  };
  return [
    doc("City", "shenzhen"),
    ...idcs.map(({ id }) => doc("IDC", id, { city: "shenzhen" })),
    doc("Area", "core", { external: false }),
    doc("Environment", "production", { ticketRequired: false, approvals: 0 }),
    ...pool.shares.map(({ business }) => doc("Business", business)),
    doc("Person", "owner", { business: "b0" }),
    doc("System", "bench", { business: "b0" }),
    ...estate.classes.map(({ id, cpuMilli, memoryMiB }) => doc("Class", id, { cpuMilli, memoryMiB })),
    ...clusters.map(({ id, idc }) => doc("Cluster", id, { idc, environment: "production" })),
    poolOf(estate, false),
    doc("DCNGroup", "1C"),
    doc("DCN", dcn, { group: "1C", idc: idcs[0]!.id, environment: "production", role: "active" }),
    ...estate.racks.flatMap(({ id, idc }) => [
      doc("Rack", id, { idc }),
      doc("Subnet", `${id}-core`, {
        rack: id,
        area: "core",
        cidr: `${network(id)}.0/23`,
        gateway: `${network(id)}.254`,
        fixed: `${network(id)}.100-${network(id)}.249`,
      }),
    ]),
    ...estate.subsystems.map(({ id, rules }) =>
      doc("Subsystem", id, { system: "bench", importance: "A", owner: "owner", rules }),
    ),
    ...estate.hosts.map((host) => {
      const number = (inRack.get(host.rack) ?? 0) + 1;
      inRack.set(host.rack, number);
      const { cpuMilli, memoryMiB } = host.allocatable;
      const { rack, cluster } = host;
      const addresses = { core: `${network(rack)}.${number}` };
      return doc("Host", host.id, { rack, cluster, pool: pool.id, addresses, capacity: { cpuMilli, memoryMiB } });
    }),
  ];
}
