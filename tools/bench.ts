// `npm run bench -- NAME [--json]`: runs bench/NAME.bench.ts; without a name, lists them.
import { globSync } from "node:fs";
import { basename } from "node:path";
import { root, runProgram } from "./step.ts";

const [name, ...options] = process.argv.slice(2);
const known = globSync("bench/*.bench.ts", { cwd: root })
  .map((file) => basename(file, ".bench.ts"))
  .sort();
if (name === undefined || !known.includes(name)) {
  if (name !== undefined) console.error(`error: there is no bench "${name}"`);
  console.error(`usage: npm run bench -- NAME [--json]\nbenches: ${known.join(", ") || "none yet"}`);
  process.exitCode = 2;
} else {
  process.exitCode = (await runProgram(process.execPath, [`bench/${name}.bench.ts`, ...options])) ? 0 : 1;
}
