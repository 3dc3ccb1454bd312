// The composition root of tests: the agent with one fault point at which it ends itself as kill -9 does.
// run-agent.ts CONFIG_FILE [FAULT_POINT [SKIP]]: SKIP passes of the point are let through.
// WCS_TEST_REPORTS: `{"socket":…,"token":…,"host":…}`, a unix socket that leads to a server's API, for the host's reports.
import { readFileSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { parseAgentConfig } from "../agent-config.ts";
import { startAgent } from "../start-agent.ts";
import { sendBySocket } from "./send-by-socket.ts";

const [configFile = "", faultPoint, skip = "0"] = process.argv.slice(2);
const reports = process.env["WCS_TEST_REPORTS"];
let passes = 0;
await startAgent({
  config: parseAgentConfig(readFileSync(configFile, "utf8")),
  log: (line) => process.stderr.write(`${line}\n`),
  faults: (point) => {
    if (point === faultPoint && passes++ >= Number(skip)) process.kill(process.pid, "SIGKILL");
  },
  ...(reports === undefined ? {} : sendBySocket(reports)),
});
// The next start finds everything compiled, as after bin/wcs-agent.
flushCompileCache();
process.send?.("ready");
