import { startControlPlane } from "../cluster/control-plane.ts";
import { batch, setLink } from "../network/build-fabric.ts";
import { routerName, wanName } from "../network/plan-fabric.ts";
import { processesIn } from "../process/cgroup.ts";
import { killAllIn, startedDaemons, stopDaemon } from "../process/daemon.ts";
import { LabError } from "../state/lab-error.ts";
import { writeState, type LabState } from "../state/lab-state.ts";
import { addressesOf, areasOf, clusterOf, named, rackOf } from "../topology/find.ts";
import type { Topology } from "../topology/schema.ts";
import { startHost, startNode } from "../host/host.ts";

/** One kind of fault: what it may be aimed at, how it is made and how it is undone. Both may be done twice. */
type FaultKind = Readonly<{
  targets: (topology: Topology) => string[];
  make: (state: LabState, target: string) => Promise<void>;
  heal: (state: LabState, target: string) => Promise<void>;
}>;

const names = (items: readonly { name: string }[]) => items.map((item) => item.name);
const hostNames = (topology: Topology) => names(topology.hosts);

/** The router's end of each cable that a host has. */
const hostPorts = (topology: Topology, name: string) => {
  const host = named(topology.hosts, name, "host");
  return addressesOf(host).map(([area]) => ({ netns: routerName(rackOf(topology, host).idc, area), name }));
};
/** A rack's TOR: its bridge in each area. */
const rackBridges = (topology: Topology, name: string) => {
  const rack = named(topology.racks, name, "rack");
  return rack.subnets.map((subnet) => ({ netns: routerName(rack.idc, subnet.area), name }));
};
/** Where an IDC is joined to the others and to this machine. */
const idcPorts = (topology: Topology, name: string) =>
  areasOf(topology).map((area) => ({ netns: wanName, name: routerName(name, area) }));
const clusterPorts = (topology: Topology, name: string) => {
  const cluster = named(topology.clusters, name, "cluster");
  return [{ netns: routerName(cluster.idc, "core"), name }];
};

function cut(
  targets: FaultKind["targets"],
  ends: (topology: Topology, target: string) => readonly { netns: string; name: string }[],
): FaultKind {
  const set = async (state: LabState, target: string, to: "up" | "down") => {
    for (const end of ends(state.topology, target)) await setLink(end, to);
  };
  return {
    targets,
    make: (state, target) => set(state, target, "down"),
    heal: (state, target) => set(state, target, "up"),
  };
}

/** Every owner of processes, and every single program. */
const pauseTargets = () => {
  const daemons = startedDaemons();
  return [...new Set(daemons.map((name) => name.split("/")[0] ?? "")), ...daemons];
};

function signalAll(name: string, signal: NodeJS.Signals): void {
  for (const pid of processesIn(name)) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
  }
}

const faultKinds: Readonly<Record<string, FaultKind>> = {
  "kill-host": {
    targets: hostNames,
    make: (_state, target) => killAllIn(target),
    heal: async (state, target) => {
      const host = named(state.topology.hosts, target, "host");
      const cluster = clusterOf(state.topology, target);
      await startHost(host);
      await startNode(state.topology, host, cluster.name, state.supplies);
    },
  },
  "cut-host": cut(hostNames, hostPorts),
  "cut-api": {
    targets: hostNames,
    make: async (state, target) => {
      await batch([`route replace blackhole ${clusterOf(state.topology, target).address}/32`], target);
    },
    heal: async (state, target) => {
      await batch([`route flush ${clusterOf(state.topology, target).address}/32`], target);
    },
  },
  "cut-rack": cut((topology) => names(topology.racks), rackBridges),
  "cut-idc": cut((topology) => names(topology.idcs), idcPorts),
  "cut-cluster": cut((topology) => names(topology.clusters), clusterPorts),
  "stop-apiserver": {
    targets: (topology) => names(topology.clusters),
    make: (_state, target) => stopDaemon(`${target}/kube-apiserver`),
    heal: (state, target) => startControlPlane(named(state.topology.clusters, target, "cluster"), state.supplies),
  },
  pause: {
    targets: pauseTargets,
    make: async (_state, target) => signalAll(target, "SIGSTOP"),
    heal: async (_state, target) => signalAll(target, "SIGCONT"),
  },
};

/** The kinds of fault, and what each can be aimed at in this topology. */
export const faultTargets = (topology: Topology): Record<string, string[]> =>
  Object.fromEntries(Object.entries(faultKinds).map(([kind, fault]) => [kind, fault.targets(topology)]));

export const faultNames = Object.keys(faultKinds);

/**
 * Makes a fault, and notes it first, so that a `heal` after a crash finds it. Returns the lab's new state. The caller
 * holds the lock.
 * @throws LabError "usage" or "not_found" that lists what there is
 */
export async function makeFault(state: LabState, kind: string, target: string): Promise<LabState> {
  const fault = faultKinds[kind];
  if (fault === undefined) {
    throw new LabError("usage", `there is no fault "${kind}". There are: ${faultNames.join(", ")}, heal`);
  }
  const targets = fault.targets(state.topology);
  if (!targets.includes(target)) {
    throw new LabError("not_found", `${kind}: there is no "${target}". There are: ${targets.join(", ")}`);
  }
  const name = `${kind} ${target}`;
  const next = { ...state, faults: [...state.faults.filter((each) => each !== name), name] };
  writeState(next);
  await fault.make(state, target);
  return next;
}

/**
 * Undoes the faults that are in effect, last first: all of them, or those of one target.
 * @throws LabError "not_found" when that target has none
 */
export async function healFaults(state: LabState, target: string | null): Promise<LabState> {
  const chosen = state.faults.filter((name) => target === null || name.split(" ")[1] === target);
  if (chosen.length === 0 && target !== null) {
    throw new LabError(
      "not_found",
      `no fault of "${target}" is in effect. In effect: ${state.faults.join("; ") || "none"}`,
    );
  }
  let next = state;
  for (const name of chosen.toReversed()) {
    const [kind = "", aim = ""] = name.split(" ");
    await faultKinds[kind]?.heal(state, aim);
    next = { ...next, faults: next.faults.filter((each) => each !== name) };
    writeState(next);
  }
  return next;
}
