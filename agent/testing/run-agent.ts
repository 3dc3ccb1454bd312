// The composition root of tests: the agent with one fault point at which it ends itself as kill -9 does.
// run-agent.ts CONFIG_FILE [FAULT_POINT [SKIP]]: SKIP passes of the point are let through.
import { readFileSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { parseAgentConfig } from "../agent-config.ts";
import { startAgent } from "../start-agent.ts";

const [configFile = "", faultPoint, skip = "0"] = process.argv.slice(2);
let passes = 0;
await startAgent({
  config: parseAgentConfig(readFileSync(configFile, "utf8")),
  log: (line) => process.stderr.write(`${line}\n`),
  faults: (point) => {
    if (point === faultPoint && passes++ >= Number(skip)) process.kill(process.pid, "SIGKILL");
  },
});
// The next start finds everything compiled, as after bin/wcs-agent.
flushCompileCache();
process.send?.("ready");
