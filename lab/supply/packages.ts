import { accessSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { run } from "../process/run.ts";
import { waitFor } from "../process/wait.ts";
import { LabError } from "../state/lab-error.ts";

/** What the lab needs of the machine: a program (or file) and the Debian package that has it. The only list of them. */
const needs = [
  { file: "containerd", package: "containerd" },
  { file: "runc", package: "runc" },
  { file: "buildah", package: "buildah" },
  { file: "docker-registry", package: "docker-registry" },
  { file: "/usr/lib/cni/bridge", package: "containernetworking-plugins" },
  { file: "/usr/lib/cni/host-local", package: "containernetworking-plugins" },
  { file: "nft", package: "nftables" },
  { file: "ip", package: "iproute2" },
  { file: "nsenter", package: "util-linux" },
  { file: "setpriv", package: "util-linux" },
  { file: "unshare", package: "util-linux" },
  { file: "mount", package: "mount" },
  { file: "openssl", package: "openssl" },
  { file: "cc", package: "gcc" },
  { file: "/usr/lib/x86_64-linux-gnu/libc.a", package: "libc6-dev" },
] as const;

const systemPath = `${process.env["PATH"] ?? ""}:/usr/local/sbin:/usr/sbin:/sbin`;

/** The file of a program on the PATH (system folders are always looked into), or null. */
export function findProgram(name: string): string | null {
  for (const folder of name.startsWith("/") ? [""] : systemPath.split(delimiter).filter(Boolean)) {
    try {
      const file = join(folder, name);
      accessSync(file, file.endsWith(".a") ? constants.R_OK : constants.X_OK);
      return file;
    } catch {
      // not in this folder: the next one
    }
  }
  return null;
}

/** Debian packages that the lab needs and the machine lacks. */
export const missingPackages = () => [
  ...new Set(needs.filter((need) => findProgram(need.file) === null).map((need) => need.package)),
];

/** Installs what is missing by apt. Services that the packages bring are kept from starting. */
export async function installPackages(packages: readonly string[], onOutput?: (text: string) => void): Promise<void> {
  const advice = `Install these yourself and try again: ${packages.join(" ")}`;
  if (findProgram("apt-get") === null) {
    throw new LabError("missing", `this machine has no apt-get, and the lab lacks: ${packages.join(" ")}.\n${advice}`);
  }
  // policy-rc.d(8): 101 forbids every action. Without it containerd and the registry would run as system services.
  const policy = "/usr/sbin/policy-rc.d";
  const policyText = "#!/bin/sh\n# made by wcs-lab while it installs packages\nexit 101\n";
  // one that a killed run of ours left counts as ours, and goes this time
  const ours = !existsSync(policy) || readFileSync(policy, "utf8") === policyText;
  if (ours) writeFileSync(policy, policyText, { mode: 0o755 });
  const apt = (args: readonly string[]) =>
    run("apt-get", ["-o", "DPkg::Lock::Timeout=300", ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      endWithUs: false, // a dpkg that is cut off needs mending by hand
      ...(onOutput === undefined ? {} : { onOutput }),
    });
  try {
    await waitFor(() => apt(["update"]).then(() => true, ifListsAreBusy), {
      what: "another apt-get on this machine to end",
      timeoutMs: 300_000,
      intervalMs: 2000,
    });
    await apt(["install", "--yes", "--no-install-recommends", ...packages]);
  } catch (error) {
    throw new LabError("missing", `apt-get could not install ${packages.join(" ")}: ${String(error)}\n${advice}`);
  } finally {
    if (ours) rmSync(policy, { force: true });
  }
  const still = missingPackages();
  if (still.length > 0) throw new LabError("missing", `still missing after apt-get install: ${still.join(" ")}`);
}

/** apt-get waits for dpkg's lock when told to, but never for that of its package lists. */
function ifListsAreBusy(error: unknown): false {
  if (String(error).includes("Could not get lock")) return false;
  throw error;
}
