import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** One TCP segment as it passed a link. Ends are `address:port`. */
export type CapturedSegment = Readonly<{
  fromMac: string;
  toMac: string;
  from: string;
  to: string;
  syn: boolean;
  ack: boolean;
}>;

/** A capture that runs; `stop` ends it and gives what it heard. */
export type Capture = Readonly<{ stop: () => Promise<readonly CapturedSegment[]> }>;

/** Starts to hear a link. `enter`: the words that run a program where the link is, such as `nsenter --net=/run/netns/x`. */
export async function startCapture(enter: readonly [string, ...string[]], link: string): Promise<Capture> {
  const [program, ...rest] = enter;
  const script = fileURLToPath(new URL("./capture-link.ts", import.meta.url));
  const child = spawn(program, [...rest, process.execPath, script, link], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  const nextLine = async (): Promise<string> => {
    const outcome = await Promise.race([once(lines, "line"), once(lines, "close")]);
    if (typeof outcome[0] !== "string") throw new Error(`the capture of ${link} ended`);
    return outcome[0];
  };
  await nextLine();
  return {
    stop: async () => {
      const heard = nextLine();
      child.stdin.end();
      return JSON.parse(await heard) as readonly CapturedSegment[];
    },
  };
}
