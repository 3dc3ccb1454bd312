import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createTestHost, instancePod, podArgs, type TestHost } from "@wcs/agent/testing";
import { agentOperations } from "@wcs/api/agent";
import { changeEstate } from "@wcs/api/estate";
import { networkAnnotationName } from "@wcs/core/ipam";
import { createKubeClient, formatKubeconfig, nodes, pods, resourceType, type KubeClient } from "@wcs/kube";
import { startControlPlane } from "@wcs/kube/testing";
import { startTestPostgres, startTestServer } from "@wcs/server/testing";

const [, , createJoinToken] = agentOperations;
const serviceAccounts = resourceType("v1/serviceaccounts", "ServiceAccount", "namespaced");
const namespaces = resourceType("v1/namespaces", "Namespace", "cluster");
const apiPort = 6443;
const linkPort = 8443;
const mostWaitMs = 60_000;
/** How often each pod changes while the agent watches, as kubelet's status updates make it. */
const changesPerPod = 5;

/** Longer than the agent's own interval between two rounds of letting memory go. */
const restMs = 17_000;

/** Resident memory in MiB. */
export type AgentMemory = Readonly<{ withoutPods: number; withPods: number; atRest: number }>;

/**
 * Resident memory of the agent as a host starts it (bin/wcs-agent), which learns of its pods by a watch of a real API server and reports to a server over
 * its link: before and
 * after `count` of them were added, and when each has changed some times and nothing happens any more.
 */
export async function measureAgentMemory(wecni: string, count: number): Promise<AgentMemory> {
  const folder = mkdtempSync(join(tmpdir(), "wcs-memory-"));
  const kubeconfig = join(folder, "kubeconfig");
  const plane = await startControlPlane();
  const kube = createKubeClient({ access: plane.access, userAgent: "bench", callsPerSecond: 500 });
  writeFileSync(kubeconfig, formatKubeconfig({ ...plane.access, server: `https://127.0.0.1:${apiPort}` }));
  const joinTokenFile = join(folder, "token");
  const config = {
    pods: { kind: "kubernetes", kubeconfig },
    conflictProbe: { waitMs: 0, attempts: 1 },
    link: { servers: [`127.0.0.1:${linkPort}`], joinTokenFile },
  };
  const host = await createTestHost({ wecni, config });
  const platform = await startPlatform();
  writeFileSync(joinTokenFile, platform.joinToken, { mode: 0o600 });
  const ways = [
    await openWay(host, { port: apiPort, to: Number(new URL(plane.server).port), socket: join(folder, "api.sock") }),
    await openWay(host, { port: linkPort, to: platform.port, socket: join(folder, "link.sock") }),
  ];
  try {
    const bound = await bindPods(kube, count);
    const program = fileURLToPath(new URL("bin/wcs-agent", import.meta.resolve("@wcs/agent")));
    const argv = [`--net=/run/netns/${host.hostSpace}`, program, "serve", "--config", host.configFile];
    const agent = spawn("nsenter", argv, { stdio: "ignore" });
    const residentMiB = () => {
      const status = readFileSync(`/proc/${agent.pid}/status`, "utf8");
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
    };
    try {
      await until("the watch tells of every pod", async () => {
        const status = await host.status().catch(() => null);
        return status?.["synced"] === true && status["podsKnown"] === count;
      });
      await until("a server takes the host's report", async () => {
        const { reports } = (await host.status()) as { reports?: { taken: number } };
        return (reports?.taken ?? 0) > 0;
      });
      const withoutPods = residentMiB();
      for (const [index, pod] of bound.entries()) {
        const netns = host.addSpace(`m${index}`);
        const { status, output } = await host.cni("ADD", `m${index}`, { netns, args: podArgs(pod) });
        if (status !== 0) throw new Error(JSON.stringify(output));
      }
      const withPods = residentMiB();
      for (let round = 0; round < changesPerPod; round += 1) {
        await Promise.all(
          bound.map(({ name, namespace }) =>
            kube.patch(pods, {
              name,
              namespace,
              kind: "merge",
              patch: { metadata: { labels: { round: `r${round}` } } },
            }),
          ),
        );
      }
      await sleep(restMs);
      return { withoutPods, withPods, atRest: residentMiB() };
    } finally {
      const ended = once(agent, "exit");
      agent.kill("SIGKILL");
      await ended;
    }
  } finally {
    for (const way of ways) await way.close();
    await platform.stop();
    kube.close();
    await host.close();
    await plane.stop();
    rmSync(folder, { recursive: true });
  }
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + mostWaitMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${mostWaitMs} ms: ${what}`);
    await sleep(100);
  }
}

/** Pods of instances, bound to the test's host. */
async function bindPods(kube: KubeClient, count: number) {
  await kube.create(nodes, { metadata: { name: "host1" } });
  await kube.create(namespaces, { metadata: { name: "bank" } });
  await kube.create(serviceAccounts, { metadata: { name: "default" } }, { namespace: "bank" });
  const bound = [];
  for (let index = 0; index < count; index += 1) {
    const pod = instancePod(`app-${index}`, [{ area: "core", host: 20 + index }]);
    const made = await kube.create(
      pods,
      {
        metadata: { name: pod.name, annotations: { [networkAnnotationName]: pod.network } },
        spec: {
          nodeName: "host1",
          automountServiceAccountToken: false,
          containers: [{ name: "app", image: "registry.example/app:1" }],
        },
      },
      { namespace: "bank" },
    );
    bound.push({ ...pod, uid: made.metadata.uid ?? "" });
  }
  return bound;
}

/** A whole server with an estate that has the test's host, and its agent's join token. */
async function startPlatform() {
  const postgres = await startTestPostgres();
  const port = await freePort();
  const env = { WCS_AGENT_LISTEN: `127.0.0.1:${port}`, WCS_AGENT_ADDRESS: `127.0.0.1:${linkPort}` };
  const server = await startTestServer(await postgres.createDatabase(), { env });
  const documents = [
    { kind: "City", name: "shenzhen", spec: {} },
    { kind: "IDC", name: "idc1", spec: { city: "shenzhen" } },
    { kind: "Area", name: "core", spec: { external: false } },
    { kind: "Rack", name: "rack1", spec: { idc: "idc1" } },
    {
      kind: "Subnet",
      name: "rack1-core",
      spec: { rack: "rack1", area: "core", cidr: "10.9.1.0/24", gateway: "10.9.1.254" },
    },
    {
      kind: "Host",
      name: "host1",
      spec: { rack: "rack1", addresses: { core: "10.9.1.1" }, capacity: { cpuMilli: 16_000, memoryMiB: 65_536 } },
    },
  ];
  await server.admin.call(changeEstate, { body: { documents } });
  const asked = { params: { name: "host1" }, body: { lifetimeMinutes: 10 } };
  const joinToken = (await server.admin.call(createJoinToken, asked)).body.text;
  return {
    port,
    joinToken,
    stop: async () => {
      await server.stop();
      await postgres.stop();
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  return port;
}

/** Leads from loopback in the host's namespace to loopback of this one: by a unix socket, which knows no namespaces. */
async function openWay(
  host: TestHost,
  { port, to, socket }: Readonly<{ port: number; to: number; socket: string }>,
): Promise<{ close: () => Promise<void> }> {
  const far: Server = createServer((near) => {
    const api = connect(to, "127.0.0.1");
    near.on("error", () => api.destroy());
    api.on("error", () => near.destroy());
    near.pipe(api).pipe(near);
  });
  far.listen(socket);
  await once(far, "listening");
  const script = `const net=require("node:net");net.createServer((a)=>{const b=net.connect(process.argv[1]);a.on("error",()=>b.destroy());b.on("error",()=>a.destroy());a.pipe(b).pipe(a)}).listen(${port},"127.0.0.1",()=>process.send("ready"))`;
  const child = spawn("nsenter", [`--net=/run/netns/${host.hostSpace}`, process.execPath, "-e", script, socket], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  await once(child, "message");
  return {
    close: async () => {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
      far.close();
    },
  };
}
