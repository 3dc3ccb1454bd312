// `npm run bench -- kill-releases [--json] [--rounds N]`: releases on the lab, and in the middle of each something is killed with SIGKILL: the server,
// its PostgreSQL, a host's agent, an API server, a whole host. After each the record, the ledger, Kubernetes and the audit are compared.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient, ProblemError } from "@wcs/api";
import { instanceOperations } from "@wcs/api/instance";
import { releaseOperations } from "@wcs/api/release";
import { createKubeClient, parseKubeconfig, type KubeClient } from "@wcs/kube";
import { down, estateOf, fault, heal, kubeconfigFile, up } from "@wcs/lab";
import { compareOutcome } from "@wcs/server/testing";
import { digestOf } from "./delivery-lab.ts";
import { approvedRelease, askForInstances, makeTemplate, tellBank, until, type TwoPeople } from "./delivery-steps.ts";
import { createFigurePrinter } from "./figure.ts";
import { startRealServer, type RealServer } from "./real-server.ts";

const args = process.argv.slice(2);
const print = createFigurePrinter(args);
const at = args.indexOf("--rounds");
const rounds = at < 0 ? 1 : Number(args[at + 1]);
const [, , getRelease] = releaseOperations;
const [listInstances] = instanceOperations;
const subsystem = "1001";
const cni = join(dirname(fileURLToPath(import.meta.resolve("@wcs/agent"))), "bin/wecni-lab");

const state = mkdtempSync(join(tmpdir(), "wcs-kills-"));
const { topology } = await up("two-idc", { cni });
const kubeconfigs = new Map(topology.clusters.map(({ name }) => [name, readFileSync(kubeconfigFile(name), "utf8")]));
const kubes = new Map<string, KubeClient>();
for (const [name, text] of kubeconfigs) {
  const access = parseKubeconfig(text, { readFile: (path) => readFileSync(path, "utf8") });
  kubes.set(name, createKubeClient({ access, userAgent: "wcs-bench" }));
}
let server: RealServer = await startRealServer(state);

const killServer = async (): Promise<void> => {
  await server.kill();
  // Under its old address, as its clients know it.
  server = await startRealServer(state, server.token, new URL(server.url).host);
};
/** The lab's keeper starts an agent again that has ended; its child is the agent. */
const killAgent = async (host: string): Promise<void> => {
  const keeper = readFileSync(`/run/wcs-lab/pids/${host}/cni`, "utf8").trim().split(/\s+/)[0] ?? "";
  const children = readFileSync(`/proc/${keeper}/task/${keeper}/children`, "utf8").trim().split(" ");
  for (const child of children) process.kill(Number(child), "SIGKILL");
};
const victims: Readonly<Record<string, (place: Readonly<{ host: string; cluster: string }>) => Promise<void>>> = {
  server: killServer,
  database: async () => {
    const pid = readFileSync(join(state, "postgres/data/postmaster.pid"), "utf8").split("\n")[0];
    process.kill(Number(pid), "SIGKILL");
    // The embedded PostgreSQL is the server's: a new server starts it again and recovers.
    await killServer();
  },
  agent: ({ host }) => killAgent(host),
  "API server": async ({ cluster }) => {
    await fault("stop-apiserver", cluster);
    await sleep(3_000);
    await heal(cluster);
  },
  host: async ({ host }) => {
    await fault("kill-host", host);
    await sleep(5_000);
    await heal(host);
  },
};

try {
  const second = { kind: "Person", name: "chen-jie", spec: { business: "retail" } };
  const people: TwoPeople = await tellBank({
    server,
    documents: [...estateOf(topology), second],
    business: "retail",
    people: ["zhang-wei", "chen-jie"],
    clusters: kubeconfigs,
  });
  const [kube] = kubes.values();
  if (kube === undefined) throw new Error("the lab has no cluster");
  const digests = [await digestOf(kube, "1"), await digestOf(kube, "2")] as const;
  await makeTemplate(people, subsystem);
  await (
    await askForInstances(people, { subsystem, class: "1C2G", counts: { "1A1": 3, "1A2": 3 }, ticket: "KILL-REQUEST" })
  )();
  const releases: { id: string; imageDigest: string }[] = [];
  /** While the server is away it is asked again. */
  const seen = async (id: string) => {
    try {
      return (await people.asker.call(getRelease, { params: { id } })).body;
    } catch (error) {
      if (error instanceof ProblemError && error.problem.status < 500) throw error;
      return null;
    }
  };
  const run = async (number: number, inTheMiddle: () => Promise<void>): Promise<void> => {
    const imageDigest = digests[number % 2] ?? "";
    const { id, start } = await approvedRelease(people, { subsystem, imageDigest, batch: 1, ticket: `KILL-${number}` });
    releases.push({ id, imageDigest });
    await start();
    await until("the middle of the release", 120_000, async () => ((await seen(id))?.passed ?? 0) > 0);
    await inTheMiddle();
    await until(`${id} to be done`, 300_000, async () => {
      const now = await seen(id);
      if (now?.state === "failed") throw new Error(`${id} failed: ${JSON.stringify(now.targets)}`);
      return now?.state === "done";
    });
  };
  let number = 0;
  await run(number, () => Promise.resolve());
  for (const [victim, kill] of Object.entries(victims)) {
    const spoilt: string[] = [];
    for (let round = 0; round < rounds; round += 1) {
      number += 1;
      const { items } = (await people.asker.call(listInstances, { query: { subsystem } })).body;
      const place = items[number % items.length];
      if (place === undefined) throw new Error("there is no instance");
      await run(number, () => kill(place));
      const admin = createClient({ baseUrl: server.url, token: server.token });
      const compare = () => compareOutcome({ admin, clusters: [...kubes.values()], namespace: "wcs-retail", releases });
      // What a killed host runs again is seen a moment later.
      let faults = await compare();
      for (let waitedMs = 0; faults.length > 0 && waitedMs < 60_000; waitedMs += 1_000) {
        await sleep(1_000);
        faults = await compare();
      }
      spoilt.push(...faults.map((each) => `${victim}, round ${round + 1}: ${each}`));
    }
    for (const each of spoilt) console.error(each);
    if (spoilt.length > 0) process.exitCode = 1;
    print({
      name: `kill-releases: ${victim} killed, lost, doubled or wrong`,
      value: spoilt.length,
      unit: "",
      baseline: 0,
    });
  }
} finally {
  for (const kube of kubes.values()) kube.close();
  await server.stop();
  await down();
  rmSync(state, { recursive: true, force: true });
}
