// What `wcs-lab up --cni agent/bin/wecni-lab` asks once a host (lab/host/cni-provider.ts): puts wecni and its network configuration
// on the host's disk and answers how the agent is started. Paths are the machine's; the host sees `disk` and `run` under them.
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildWecni } from "@wcs/cni";
import { buildCage } from "./cage/build-cage.ts";

/** Where a server for the lab's agents listens, and the file of a host's disk that its join token goes into (docs/network.md). */
const labAgentPort = 8443;
const labJoinTokenFile = "wcs-join-token";

type Area = { area: string; bridge: string; uplink: string };
type LabHost = {
  host: string;
  disk: string;
  run: string;
  cniConfigDir: string;
  cniPluginDir: string;
  machine: string;
  nodeKubeconfig: string;
  areas: Area[];
};

const chunks: Buffer[] = [];
for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
const facts = JSON.parse(Buffer.concat(chunks).toString()) as LabHost;
const { disk, run, areas } = facts;

const stateFolder = join(disk, "wcs-agent");
const cniSocket = join(run, "wcs-cni.sock");
const tombstoneFolder = join(stateFolder, "tombstones");
const configFile = join(disk, "wcs-agent.json");

const plugin = join(facts.cniPluginDir, "wecni");
copyFileSync(await buildWecni({ socketPath: cniSocket, tombstoneFolder }), plugin);
chmodSync(plugin, 0o755);
mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
const conflist = { cniVersion: "1.0.0", name: "underlay", plugins: [{ type: "wecni" }] };
writeFileSync(join(facts.cniConfigDir, "10-underlay.conflist"), `${JSON.stringify(conflist, null, 2)}\n`);

// The host's dynamic addresses are what the server grants on its Node; until then its instances have theirs, and other pods wait.
const config = {
  node: facts.host,
  stateFolder,
  cniSocket,
  adminSocket: join(run, "wcs-agent.sock"),
  tombstoneFolder,
  bridges: Object.fromEntries(areas.map(({ area, bridge, uplink }) => [area, { bridge, uplink }])),
  pods: { kind: "kubernetes", kubeconfig: facts.nodeKubeconfig },
  // A server on this machine may listen there for agents, and the host joins when somebody puts its token there.
  link: { servers: [`${facts.machine}:${labAgentPort}`], joinTokenFile: join(disk, labJoinTokenFile) },
  sessions: {
    cageProgram: await buildCage(),
    tasksFolder: "/run/containerd/io.containerd.runtime.v2.task/k8s.io",
    podLogsFolder: "/var/log/pods",
  },
};
writeFileSync(configFile, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });

const agent = fileURLToPath(new URL("./bin/wcs-agent", import.meta.url));
process.stdout.write(`${JSON.stringify({ daemon: [agent, "serve", "--config", configFile] })}\n`);
