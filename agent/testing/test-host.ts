import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  printDynamicBlockGrant,
  printNetworkAnnotation,
  macOfAddress,
  printHostFence,
  type FencedInstance,
} from "@wcs/core/ipam";
import { parseIpv4Address } from "@wcs/core/ipv4";
import { buildRack, joinRack, type RackSpaces } from "./build-rack.ts";
import type { FaultPoint } from "../fault-points.ts";
import type { PodFacts } from "../view/host-view.ts";

/** What came out of a CNI call: the exit code, and stdout as JSON where there is any. */
export type CniOutcome = Readonly<{ status: number | null; output: Record<string, unknown> | null; ms: number }>;

export type CniOptions = Readonly<{
  netns?: string;
  ifName?: string;
  args?: string;
  version?: string;
  config?: Record<string, unknown>;
  /** Takes the place of the whole configuration. */
  stdin?: string;
  env?: Record<string, string>;
}>;

export type TestNic = Readonly<{ area: "core" | "dmz"; host: number; conflictProbe?: boolean }>;

/** The members of `ip -j` that tests read. */
export type IpObject = Readonly<{ ifname: string; address: string; dst: string; gateway?: string; dev: string }>;

/** A rack of its own: a TOR with two subnets, a neighbour in each, and one host with an agent, all in namespaces. */
export type TestHost = Readonly<{
  folder: string;
  hostSpace: string;
  /** `tor`, `vm` (10.9.1.11), `outside`. */
  spaces: RackSpaces;
  configFile: string;
  journalFile: string;
  adminSocket: string;
  /** Starts the agent; resolves when it serves. `fault`: where it ends itself. */
  start: (fault?: FaultPoint, skip?: number, env?: Readonly<Record<string, string>>) => Promise<ChildProcess>;
  agent: () => ChildProcess | null;
  kill: () => Promise<void>;
  log: () => string;
  /** The agent's pods, grant and fence from now on. */
  setPods: (pods: readonly PodFacts[], blocks?: readonly string[], fenced?: readonly FencedInstance[]) => void;
  /** Where the agent learns of its pods, and what a reboot takes away. */
  podsFile: string;
  startedMark: string;
  cni: (command: string, containerId: string, options?: CniOptions) => Promise<CniOutcome>;
  /** Makes a namespace for a container; its file. */
  addSpace: (name: string) => string;
  removeSpace: (name: string) => void;
  run: (space: string, ...argv: string[]) => string;
  /** What `ip -j` says. */
  json: (space: string, ...argv: string[]) => IpObject[];
  status: () => Promise<{
    attachments: { key: string; phase: string; nics: { ip: string; hostLink: string }[] }[];
    [key: string]: unknown;
  }>;
  /** Links of the host that are ours. */
  ourLinks: () => string[];
  close: () => Promise<void>;
}>;

/** What bin/wcs-agent sets, so that tests and benches see the memory that a host sees. */
const memoryEnvironment = {
  UV_THREADPOOL_SIZE: "16",
  MALLOC_ARENA_MAX: "1",
  MALLOC_MMAP_THRESHOLD_: "65536",
  MALLOC_TRIM_THRESHOLD_: "131072",
  NODE_COMPILE_CACHE: join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "wcs/node-compile"),
};
const flags = ["--max-semi-space-size=1", "--max-old-space-size=64"];

let hosts = 0;

/**
 * Makes a test host. `wecni` is the compiled program; `config` changes the agent's configuration; `joins` puts the host under
 * the TOR of another one, as the rack's host2.
 */
export async function createTestHost(
  options: Readonly<{ wecni: string; config?: Record<string, unknown>; joins?: TestHost }>,
): Promise<TestHost> {
  hosts += 1;
  const id = `wt${process.pid.toString(36)}${hosts}`;
  const folder = mkdtempSync(join(tmpdir(), "wcs-agent-"));
  const hostSpace = `${id}h`;
  const { joins } = options;
  const spaces = joins?.spaces ?? { tor: `${id}t`, vm: `${id}v`, dmzVm: `${id}d` };
  const node = joins ? "host2" : "host1";
  const containers = new Set<string>();
  const ip = (...args: string[]) => execFileSync("ip", args, { encoding: "utf8" });
  if (joins === undefined) buildRack(spaces);
  joinRack(spaces, { hostSpace, number: joins ? 2 : 1 });
  const enter = (space: string) => [`--net=/run/netns/${space}`];

  const podsFile = join(folder, "pods-source.json");
  const configFile = join(folder, "agent.json");
  const paths = {
    stateFolder: join(folder, "state"),
    cniSocket: join(folder, "cni.sock"),
    adminSocket: join(folder, "admin.sock"),
    tombstoneFolder: join(folder, "tombstones"),
  };
  writeFileSync(
    configFile,
    JSON.stringify({
      node,
      ...paths,
      bridges: { core: { bridge: "br-core", uplink: "up-core" }, dmz: { bridge: "br-dmz", uplink: "up-dmz" } },
      pods: { kind: "file", path: podsFile },
      podWaitMs: 400,
      ...options.config,
    }),
  );
  const setPods: TestHost["setPods"] = (pods, blocks = ["10.9.1.200-10.9.1.230"], fenced = []) => {
    const grant = printDynamicBlockGrant({
      host: node,
      generation: 1,
      subnet: "rack1-core",
      area: "core",
      cidr: "10.9.1.0/24",
      gateway: "10.9.1.254",
      conflictProbe: true,
      blocks,
    });
    writeFileSync(
      `${podsFile}.new`,
      JSON.stringify({ pods, grant, fence: printHostFence({ host: node, instances: fenced }) }),
    );
    renameSync(`${podsFile}.new`, podsFile);
  };
  setPods([]);

  let child: ChildProcess | null = null;
  let logged = "";
  const start: TestHost["start"] = async (fault, skip, env = {}) => {
    const program = fileURLToPath(new URL("./run-agent.ts", import.meta.url));
    const argv = [...enter(hostSpace), process.execPath, ...flags, program, configFile];
    const started = spawn("nsenter", [...argv, ...(fault ? [fault, String(skip ?? 0)] : [])], {
      stdio: ["ignore", "inherit", "pipe", "ipc"],
      env: { ...process.env, ...memoryEnvironment, ...env },
    });
    started.stderr?.on("data", (chunk: Buffer) => {
      logged += chunk.toString();
    });
    const outcome = await Promise.race([once(started, "message"), once(started, "exit")]);
    if (outcome[0] !== "ready") {
      throw new Error(`the agent ended (${String(outcome[0] ?? outcome[1])}): ${logged.slice(-1500)}`);
    }
    child = started;
    return started;
  };
  const kill = async () => {
    const running = child;
    child = null;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const exited = once(running, "exit");
    running.kill("SIGKILL");
    await exited;
  };

  const cni: TestHost["cni"] = async (command, containerId, given = {}) => {
    const config = { cniVersion: given.version ?? "1.1.0", name: "underlay", type: "wecni", ...given.config };
    const env: Record<string, string> = {
      PATH: process.env["PATH"] ?? "",
      WECNI_SOCKET: paths.cniSocket,
      WECNI_TOMBSTONES: paths.tombstoneFolder,
      CNI_COMMAND: command,
      CNI_CONTAINERID: containerId,
      CNI_NETNS: given.netns ?? "",
      CNI_IFNAME: given.ifName ?? "eth0",
      CNI_PATH: "/opt/cni/bin",
      ...(given.args === undefined ? {} : { CNI_ARGS: given.args }),
      ...given.env,
    };
    const started = performance.now();
    const call = spawn(options.wecni, [], { env, stdio: ["pipe", "pipe", "inherit"] });
    const out: Buffer[] = [];
    call.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    call.stdin.on("error", () => undefined);
    call.stdin.end(given.stdin ?? JSON.stringify(config));
    const [status] = (await once(call, "close")) as [number | null];
    const text = Buffer.concat(out).toString();
    const ms = performance.now() - started;
    return { status, output: text === "" ? null : (JSON.parse(text) as Record<string, unknown>), ms };
  };

  const run: TestHost["run"] = (space, ...argv) =>
    execFileSync("nsenter", [...enter(space), ...argv], { encoding: "utf8" });
  const removeSpace = (name: string) => {
    if (!containers.delete(name)) return;
    ip("netns", "del", name);
  };
  return {
    folder,
    hostSpace,
    spaces,
    configFile,
    journalFile: join(paths.stateFolder, "journal"),
    adminSocket: paths.adminSocket,
    start,
    agent: () => child,
    kill,
    log: () => logged,
    setPods,
    podsFile,
    startedMark: join(folder, "wcs-agent.started"),
    cni,
    addSpace: (name) => {
      const space = `${id}${name}`;
      ip("netns", "add", space);
      containers.add(space);
      return `/run/netns/${space}`;
    },
    removeSpace: (name) => removeSpace(name.replace("/run/netns/", "")),
    run,
    json: (space, ...argv) => JSON.parse(run(space, ...argv) || "[]"),
    status: async () => {
      const { readStatus } = await import("../service/read-status.ts");
      return JSON.parse(await readStatus(paths.adminSocket, true));
    },
    ourLinks: () =>
      (JSON.parse(run(hostSpace, "ip", "-j", "link", "show", "type", "veth") || "[]") as { ifname: string }[])
        .map(({ ifname }) => ifname)
        .filter((name) => name.startsWith("wcs")),
    close: async () => {
      await kill();
      for (const name of containers) removeSpace(name);
      for (const name of [hostSpace, ...(joins ? [] : Object.values(spaces))]) ip("netns", "del", name);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A pod of an instance with these NICs, as the cluster's watch would tell of it. */
export function instancePod(
  name: string,
  nics: readonly TestNic[],
  change: Partial<PodFacts> & Readonly<{ generation?: number }> = {},
): PodFacts {
  const { generation = 1, ...facts } = change;
  const annotation = printNetworkAnnotation({
    instance: name,
    generation,
    nics: nics.map(({ area, host, conflictProbe = true }, index) => {
      const subnet = area === "core" ? 1 : 2;
      const address = `10.9.${subnet}.${host}`;
      const outward = nics.some((nic) => nic.area === "dmz") ? area === "dmz" : index === 0;
      return {
        name: `eth${index}`,
        area,
        address: `${address}/24`,
        mac: macOfAddress(parseIpv4Address(address) ?? 0),
        gateway: `10.9.${subnet}.254`,
        defaultRoute: outward,
        internalPrefixes: outward ? [] : ["10.0.0.0/8"],
        routes: [],
        conflictProbe,
      };
    }),
  });
  return {
    namespace: "bank",
    name,
    uid: `uid-${name}`,
    configHash: null,
    network: annotation,
    logFolder: null,
    ended: false,
    ...facts,
  };
}

/** CNI_ARGS as Kubernetes' runtimes write them. */
export function podArgs(pod: Pick<PodFacts, "namespace" | "name" | "uid">): string {
  return `IgnoreUnknown=1;K8S_POD_NAMESPACE=${pod.namespace};K8S_POD_NAME=${pod.name};K8S_POD_INFRA_CONTAINER_ID=x;K8S_POD_UID=${pod.uid}`;
}

/** Whether a station answers to a TCP connection, be it by refusing it. */
export function answers(from: string, to: string, port = 81): boolean {
  const script = `exec 3<>/dev/tcp/${to}/${port}`;
  const outcome = spawnSync("nsenter", [`--net=/run/netns/${from}`, "timeout", "0.7", "bash", "-c", script], {
    encoding: "utf8",
  });
  return outcome.status === 0 || /refused/i.test(outcome.stderr);
}

/** Listens on a TCP port in a namespace until the returned function is called. */
export async function startListener(netns: string, port: number): Promise<() => Promise<void>> {
  const script = `require("node:net").createServer((s)=>s.on("error",()=>{}).end("hello")).listen(${port},"0.0.0.0",()=>process.send("ready"))`;
  const child = spawn("nsenter", [`--net=${netns}`, process.execPath, "-e", script], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  await once(child, "message");
  return async () => {
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  };
}
