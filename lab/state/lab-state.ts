import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CniProvider } from "../host/cni-provider.ts";
import type { Supplies } from "../supply/prepare.ts";
import type { Topology } from "../topology/schema.ts";
import { LabError } from "./lab-error.ts";
import { dataDir, runDir } from "./paths.ts";
import type { RaisedSysctl } from "./sysctls.ts";

/** What `up` found and decided, for whoever comes after it. */
export type LabState = Readonly<{
  /** "building" until all of it stands once. */
  phase: "building" | "up";
  bootId: string;
  topology: Topology;
  supplies: Supplies;
  /** Who connects pods: `reference`, or the program that was named. */
  cni: CniProvider;
  /** What was made on the machine outside the lab's own folders, to be taken away by `down`. */
  madeFolders: readonly string[];
  netnsMountMade: boolean;
  raisedSysctls: readonly RaisedSysctl[];
  startedAt: string;
  /** Seconds from the first namespace to the last node Ready, packages and builds not counted. */
  readySeconds: number | null;
  /** Faults in effect: `kind target`, in the order in which they were made. */
  faults: readonly string[];
}>;

const stateFile = join(dataDir, "state.json");

const absent = { madeFolders: [], netnsMountMade: false, raisedSysctls: [], faults: [], cni: "reference" };

/** @throws LabError "bad_state" when the file is damaged, as by a machine that lost its power */
export function readState(): LabState | null {
  let text: string;
  try {
    text = readFileSync(stateFile, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
  try {
    const state = JSON.parse(text) as Partial<LabState> | null;
    if (state?.topology === undefined || state.supplies === undefined) throw new Error("it lacks what it must hold");
    // a lab that an older checkout brought up may lack what was added since
    return { ...absent, ...(state as LabState) };
  } catch (error) {
    throw new LabError("bad_state", `${stateFile} is damaged (${String(error)}). First: wcs-lab down`);
  }
}

/** For `up` and `down`, which clear away what a damaged state no longer tells: null when it is damaged, too. */
export function readStateIfWhole(): LabState | null {
  try {
    return readState();
  } catch (error) {
    if (error instanceof LabError && error.code === "bad_state") return null;
    throw error;
  }
}

export function writeState(state: LabState): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o755 });
  mkdirSync(runDir, { recursive: true, mode: 0o755 });
  writeFileSync(`${stateFile}.new`, JSON.stringify(state, null, 1));
  renameSync(`${stateFile}.new`, stateFile);
}

/** The folders of state and data; the last thing that `down` does. */
export function removeFolders(): void {
  rmSync(runDir, { recursive: true, force: true });
  rmSync(dataDir, { recursive: true, force: true });
}

export const currentBootId = () => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
