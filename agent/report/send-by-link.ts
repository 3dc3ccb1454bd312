import { hostReport } from "@wcs/api/agent-link";
import type { AgentLink } from "../link/index.ts";
import type { SendReport } from "./reporter.ts";

/** A little less than a report's own time, so that the link's reason is told and not only that time ran out. */
const timeoutMs = 9_000;

/** Sends reports to whichever server the agent's link reaches. */
export function sendByLink(callServer: AgentLink["callServer"]): SendReport {
  return (report, signal) => callServer(hostReport, report, { timeoutMs, signal });
}
