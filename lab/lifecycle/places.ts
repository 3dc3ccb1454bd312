import { existsSync } from "node:fs";
import { hostProcess } from "../host/host.ts";
import { existingNamespaces } from "../network/build-fabric.ts";
import { startedDaemons } from "../process/daemon.ts";
import { LabError } from "../state/lab-error.ts";
import { readState, type LabState } from "../state/lab-state.ts";
import { clusterDir, dataDir, hostDir, netnsFile } from "../state/paths.ts";
import { join } from "node:path";

/** @throws LabError "not_up" */
export function requireLab(): LabState {
  const state = readState();
  if (state === null) throw new LabError("not_up", "the lab is down. First: wcs-lab up");
  return state;
}

/**
 * nsenter's arguments that lead into a host (network, mounts, host name), or into the network namespace of anything else
 * of the lab: a VM, a control plane, a router, a firewall, `outside`, `registry`.
 * @throws LabError "not_found" that lists the names
 */
export function enterArguments(name: string): string[] {
  const state = requireLab();
  if (state.topology.hosts.some((host) => host.name === name)) {
    const inside = hostProcess(name);
    if (inside === null) throw new LabError("not_up", `host ${name} is off. First: wcs-lab fault heal ${name}`);
    return [`--target=${inside.pid}`, "--net", "--mount", "--uts", "--wd=/"];
  }
  const names = existingNamespaces();
  if (!names.includes(name)) {
    throw new LabError("not_found", `there is no "${name}" in the lab. There are: ${names.join(", ")}`);
  }
  return [`--net=${netnsFile(name)}`];
}

/** The log file of a component `OWNER/PROGRAM`. @throws LabError "not_found" that lists the components */
export function logFileOf(component: string): string {
  const { topology } = requireLab();
  const known = startedDaemons();
  const [owner = "", program = ""] = component.split("/");
  if (known.includes(component)) {
    const candidates = [
      join(hostDir(owner), "var/log", `${program}.log`),
      join(clusterDir(owner), "log", `${program}.log`),
      join(dataDir, "vms", owner, `${program}.log`),
      join(dataDir, owner, `${program}.log`),
    ];
    const file = candidates.find((candidate) => existsSync(candidate));
    if (file !== undefined) return file;
  }
  throw new LabError(
    "not_found",
    `there is no component "${component}" in ${topology.name}. There are: ${known.join(", ")}`,
  );
}
