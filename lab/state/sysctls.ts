import { readFileSync, writeFileSync } from "node:fs";

/** A kernel setting of the machine that the lab raised, and what it was. */
export type RaisedSysctl = Readonly<{ file: string; before: string }>;

const inotifyFile = "/proc/sys/fs/inotify/max_user_instances";

/**
 * What has to be raised for a lab of that size: each kubelet holds 6 inotify instances, each containerd 1, each control
 * plane about 5 (counted on 1.35), and others on the machine need some too.
 */
export function neededSysctls({
  hosts,
  clusters,
}: {
  hosts: number;
  clusters: number;
}): (RaisedSysctl & { to: string })[] {
  const needed = 64 + hosts * 8 + clusters * 6;
  const before = readFileSync(inotifyFile, "utf8").trim();
  return Number(before) >= needed ? [] : [{ file: inotifyFile, before, to: String(needed) }];
}

export const raiseSysctls = (needed: readonly (RaisedSysctl & { to: string })[]) => {
  for (const { file, to } of needed) writeFileSync(file, to);
};

export const restoreSysctls = (raised: readonly RaisedSysctl[]) => {
  for (const { file, before } of raised) writeFileSync(file, before);
};
