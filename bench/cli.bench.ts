// How long a command line takes from its start to its end, against a real server: `npm run bench -- cli [--json]`.
import { execFile } from "node:child_process";
import { loadavg } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { promisify } from "node:util";
import { changeEstate } from "@wcs/api/estate";
import { largeEstate } from "@wcs/core/estate/testing";
import { startTestPostgres, startTestServer } from "@wcs/server/testing";
import { createFigurePrinter, percentile } from "./figure.ts";

const run = promisify(execFile);
const rounds = 20;
const print = createFigurePrinter(process.argv.slice(2));
const wcs = join(import.meta.dirname, "../cli/bin/wcs");
const documents = largeEstate({ racks: 20, hostsPerRack: 20, subnetsPerRack: 2 });

const postgres = await startTestPostgres();
const server = await startTestServer(await postgres.createDatabase());
try {
  await server.admin.call(changeEstate, { body: { documents: [...documents] }, ticket: "BENCH-1" });
  const env = { ...process.env, WCS_SERVER: server.url, WCS_TOKEN: server.token };
  const lines: readonly Readonly<{ name: string; command: readonly [string, ...string[]] }>[] = [
    { name: "node -e 0, for comparison", command: [process.execPath, "-e", "0"] },
    { name: "wcs version", command: [wcs, "version"] },
    { name: "wcs get hosts --help", command: [wcs, "get", "hosts", "--help"] },
    { name: "wcs get host NAME", command: [wcs, "get", "host", "idc1-r0-h1"] },
    { name: "wcs get hosts, a page of 400", command: [wcs, "get", "hosts"] },
  ];
  const times = new Map<string, number[]>(lines.map(({ name }) => [name, []]));
  // One of each in turn, so that all see the same of what else the machine does. The first round fills the compile cache.
  for (let round = 0; round <= rounds; round += 1) {
    for (const { name, command } of lines) {
      const [program, ...args] = command;
      const started = performance.now();
      await run(program, args, { env, maxBuffer: 16 * 1024 * 1024 });
      if (round > 0) times.get(name)?.push(performance.now() - started);
    }
  }
  for (const [name, sample] of times) {
    const promised = name.startsWith("wcs") ? { baseline: 150, baselineIs: "promised" } : {};
    print({ name: `cli: ${name}, p50`, value: percentile(sample, 0.5), unit: "ms", ...promised });
    print({ name: `cli: ${name}, p90`, value: percentile(sample, 0.9), unit: "ms" });
  }
  print({ name: "cli: load average of the last minute", value: loadavg()[0] ?? 0, unit: "" });
} finally {
  await server.stop();
  await postgres.stop();
}
