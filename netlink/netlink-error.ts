import { constants } from "node:os";

/** Second names of the same numbers. */
const aliases = ["EWOULDBLOCK", "ENOTSUP"];
const names = new Map(
  Object.entries(constants.errno)
    .filter(([name]) => !aliases.includes(name))
    .map(([name, value]) => [value, name]),
);

/** `ENODEV` for 19; `errno 999` for a number without a name. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `errno ${errno}`;
}

/**
 * A request that the kernel refused. `code` is the errno's name, `detail` the kernel's own sentence where it gave one
 * (extended acknowledgement, NLMSGERR_ATTR_MSG in include/uapi/linux/netlink.h).
 */
export class NetlinkError extends Error {
  readonly code: string;
  readonly operation: string;
  readonly detail: string | null;

  constructor(problem: Readonly<{ operation: string; code: string; detail?: string | null }>) {
    super(`${problem.operation}: ${problem.code}${problem.detail ? `: ${problem.detail}` : ""}`);
    this.name = "NetlinkError";
    this.code = problem.code;
    this.operation = problem.operation;
    this.detail = problem.detail ?? null;
  }
}
