import type { Problem } from "@wcs/api";

/** What `wcs` ends with (docs/architecture.md). */
export const exitCodes = {
  ok: 0,
  failed: 1,
  differs: 1,
  usage: 2,
  notFound: 3,
  notAllowed: 4,
  conflict: 5,
  waitsForApproval: 8,
} as const;

/** The exit code for a problem that the server answered with. */
export function exitCodeOf({ status }: Problem): number {
  switch (status) {
    case 401:
    case 403:
      return exitCodes.notAllowed;
    case 404:
      return exitCodes.notFound;
    case 409:
    case 412:
    case 423:
      return exitCodes.conflict;
    default:
      return exitCodes.failed;
  }
}
