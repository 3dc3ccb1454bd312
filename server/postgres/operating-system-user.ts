import { execFileSync } from "node:child_process";
import { ConfigFailure } from "../config/config-failure.ts";

/** Who a child process runs as; `null` is this process's own user. */
export type OperatingSystemUser = Readonly<{ uid: number; gid: number; name: string }> | null;

/** The options of `spawn` that make a child run as the user. */
export function runAs(user: OperatingSystemUser): Readonly<{ uid?: number; gid?: number }> {
  return user === null ? {} : { uid: user.uid, gid: user.gid };
}

const userName = "wcs-postgres";

/**
 * The user of the embedded PostgreSQL, which refuses to run as root. As root: the system user `wcs-postgres`, made when it is
 * missing, with no home, no shell and no password; nobody else's account, so that no other service's process can read the data.
 * Otherwise the user that runs the server.
 */
export function postgresUser(): OperatingSystemUser {
  if (process.getuid?.() !== 0) return null;
  const known = lookUp();
  if (known !== null) return known;
  try {
    execFileSync(
      "useradd",
      [
        "--system",
        "--user-group",
        "--no-create-home",
        "--home-dir",
        "/nonexistent",
        "--shell",
        "/usr/sbin/nologin",
        userName,
      ],
      { stdio: "pipe" },
    );
  } catch (error) {
    // Another server that starts now may have made it between the look and the attempt.
    const made = lookUp();
    if (made !== null) return made;
    throw new ConfigFailure(
      `the embedded PostgreSQL must not run as root, and the system user ${userName} could not be made: make it, run the server as another user, or set WCS_DATABASE_URL`,
      { cause: error },
    );
  }
  const made = lookUp();
  if (made === null) throw new ConfigFailure(`the system user ${userName} was made but can't be found`);
  return made;
}

function lookUp(): OperatingSystemUser {
  let line: string;
  try {
    line = execFileSync("getent", ["passwd", userName], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    // getent ends with 2 when there is no such user.
    return null;
  }
  const [name, , uid, gid] = line.trim().split(":");
  return { name: name ?? userName, uid: Number(uid), gid: Number(gid) };
}
