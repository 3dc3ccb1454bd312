import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { clusterOperations } from "@wcs/api/cluster";
import { changeEstate } from "@wcs/api/estate";
import { ipamOperations } from "@wcs/api/ipam";
import {
  dynamicBlockAnnotationName,
  macOfAddress,
  parseDynamicBlockGrant,
  printDynamicBlockGrant,
  type DynamicBlockGrant,
} from "@wcs/core/ipam";
import { formatIpv4Address, parseIpv4Address, parseIpv4Range } from "@wcs/core/ipv4";
import { createKubeClient, nodes, type KubeClient } from "@wcs/kube";
import { startControlPlane, type ControlPlane } from "@wcs/kube/testing";
import {
  startTestPostgres,
  startTestServer,
  type TestDatabase,
  type TestPostgres,
  type TestServer,
} from "../testing/index.ts";

const [, , addCluster] = clusterOperations;
const usage = ipamOperations[7];
const sendReport = ipamOperations[11];
const annotation = dynamicBlockAnnotationName;

const host = (name: string, number: number, node?: string) => ({
  kind: "Host",
  name,
  spec: {
    rack: "r1",
    addresses: { core: `10.9.1.${number}` },
    capacity: { cpuMilli: 16_000, memoryMiB: 65_536 },
    cluster: "c1",
    ...(node === undefined ? {} : { node }),
  },
});
const ground = [
  { kind: "City", name: "shenzhen", spec: {} },
  { kind: "IDC", name: "idc1", spec: { city: "shenzhen" } },
  { kind: "Area", name: "core", spec: { external: false } },
  { kind: "Rack", name: "r1", spec: { idc: "idc1" } },
  {
    kind: "Subnet",
    name: "r1-core",
    spec: {
      rack: "r1",
      area: "core",
      cidr: "10.9.1.0/24",
      gateway: "10.9.1.254",
      fixed: "10.9.1.100-10.9.1.199",
      dynamic: "10.9.1.20-10.9.1.99",
    },
  },
  { kind: "Environment", name: "sit", spec: { ticketRequired: false, approvals: 0 } },
  { kind: "Cluster", name: "c1", spec: { idc: "idc1", environment: "sit" } },
];

async function until(what: string, check: () => Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  const endMs = Date.now() + timeoutMs;
  while (!(await check())) {
    assert.ok(Date.now() < endMs, `not within ${timeoutMs} ms: ${what}`);
    await sleep(50);
  }
}

/** All addresses of a grant, as text. */
function addressesOf(grant: DynamicBlockGrant): readonly string[] {
  return grant.blocks.flatMap((text) => {
    const range = parseIpv4Range(text);
    assert.ok(range);
    return Array.from({ length: range.last - range.first + 1 }, (_, index) => formatIpv4Address(range.first + index));
  });
}

describe("dynamic blocks on the Nodes of a real API server", () => {
  let postgres: TestPostgres;
  let database: TestDatabase;
  let plane: ControlPlane;
  let kube: KubeClient;
  let server: TestServer;
  let sequence = 0;

  before(async () => {
    [postgres, plane] = await Promise.all([startTestPostgres(), startControlPlane()]);
    kube = createKubeClient({ access: plane.access, userAgent: "test" });
    for (const name of ["h1", "node-of-h2", "h4"]) await kube.create(nodes, { metadata: { name } });
    // What a ledger that went further than this one has written: before the cluster is WCS's to guard, so that a test may.
    const later = { ...laterGrant, blocks: ["10.9.1.90-10.9.1.97"] };
    const annotations = { [annotation]: printDynamicBlockGrant(later) };
    await kube.create(nodes, { metadata: { name: "h3", annotations } });
    database = await postgres.createDatabase();
    server = await startTestServer(database);
    await change([...ground, host("h1", 1), host("h2", 2, "node-of-h2"), host("h3", 3), host("h4", 4)]);
    await server.admin.call(addCluster, { body: { name: "c1", kubeconfig: plane.kubeconfig } });
  });
  after(async () => {
    await server?.stop();
    kube?.close();
    await plane?.stop();
    await postgres?.stop();
  });

  const laterGrant: DynamicBlockGrant = {
    host: "h3",
    generation: 1_000_000,
    subnet: "r1-core",
    area: "core",
    cidr: "10.9.1.0/24",
    gateway: "10.9.1.254",
    conflictProbe: true,
    blocks: [],
  };
  const change = (documents: readonly object[], deletions: readonly { kind: "Host"; name: string }[] = []) =>
    server.admin.call(changeEstate, {
      body: { documents: [...documents], deletions: [...deletions] },
      idempotencyKey: crypto.randomUUID(),
    });
  const textOf = async (node: string) => (await kube.get(nodes, { name: node })).metadata.annotations?.[annotation];
  const grantOf = async (node: string): Promise<DynamicBlockGrant | null> => {
    const text = await textOf(node);
    if (text === undefined) return null;
    const parsed = parseDynamicBlockGrant(text, node);
    assert.ok(parsed.ok, text);
    return parsed.value;
  };
  const granted = async (node: string): Promise<DynamicBlockGrant> => {
    const grant = await grantOf(node);
    assert.ok(grant, `${node} has no grant`);
    return grant;
  };
  const report = (name: string, ips: readonly string[], grantGeneration: number | null) =>
    server.admin.call(sendReport, {
      params: { host: name },
      body: {
        sequence: (sequence += 1),
        grantGeneration,
        addresses: ips.map((ip) => ({
          ip,
          mac: macOfAddress(parseIpv4Address(ip) ?? 0),
          nic: "eth0",
          instance: null,
          generation: null,
          podUid: `pod-${ip}`,
          containerId: `box-${ip}`,
        })),
        conflicts: [],
      },
    });
  const grantedCount = async () =>
    (await server.admin.call(usage, { query: { subnet: "r1-core" } })).body.items[0]?.granted;

  it("are granted to every host that is a node, under the Node's name, and no address to two", async () => {
    const all = ["h1", "node-of-h2", "h4"];
    await until("all three have a grant", async () =>
      (await Promise.all(all.map(grantOf))).every((grant) => grant !== null),
    );
    const given = (await Promise.all(all.map(granted))).flatMap(addressesOf);
    assert.equal(given.length, 48);
    assert.equal(new Set(given).size, 48);
    assert.equal((await granted("node-of-h2")).host, "node-of-h2");
  });

  it("are never brought back to what an older ledger says", async () => {
    assert.equal((await granted("h3")).generation, 1_000_000);
    assert.deepEqual((await granted("h3")).blocks, ["10.9.1.90-10.9.1.97"]);
  });

  it("become more within seconds when a host reports that few are left, around what other hosts report", async () => {
    // The host h3 has an address of no block of the ledger's, at the low end of what is free.
    await report("h3", ["10.9.1.86"], 1_000_000);
    const before = await granted("h1");
    const used = addressesOf(before).slice(0, 13);
    await report("h1", used, before.generation);
    await until("a second block", async () => (await granted("h1")).blocks.length === 2);
    const after = await granted("h1");
    assert.ok(after.generation > before.generation);
    assert.ok(!addressesOf(after).includes("10.9.1.86"), after.blocks.join());
    const others = (await Promise.all(["node-of-h2", "h4"].map(granted))).flatMap(addressesOf);
    assert.deepEqual(
      addressesOf(after).filter((ip) => others.includes(ip)),
      [],
    );
  });

  it("come back to a Node that its kubelet has made anew", async () => {
    const text = await textOf("h1");
    await kube.delete(nodes, { name: "h1" });
    await kube.create(nodes, { metadata: { name: "h1" } });
    await until("the same grant", async () => (await textOf("h1")) === text);
  });

  it("go back when a host has left both the estate and the cluster, and not before", async () => {
    const count = (await grantedCount()) ?? 0;
    await kube.delete(nodes, { name: "h4" });
    await sleep(300);
    assert.equal(await grantedCount(), count, "its Node may come back");
    await change([], [{ kind: "Host", name: "h4" }]);
    await until("the block is free", async () => (await grantedCount()) === count - 16);
  });
});
