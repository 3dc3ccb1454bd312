import { probeLandlock } from "../cage/build-cage.ts";
import type { SessionsConfig } from "../agent-config.ts";
import type { SessionHost } from "./exec-session.ts";

/** Looks whether this host can cage sessions. Throws when the program is missing. */
export async function openSessions(config: SessionsConfig, log: (line: string) => void): Promise<SessionHost> {
  const landlock = await probeLandlock(config.cageProgram);
  if (landlock < 3) log("sessions: this kernel has no Landlock of version 3 or newer: no session can be caged here");
  return { ...config, landlock, log };
}
