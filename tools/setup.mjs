// The first thing that runs on a fresh clone. It must work on the machine's own Node (20 or newer), so it is plain
// JavaScript; everything after it runs on the Node that npm installs here.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const commands = ["demo", "test", "check", "bench"];

function fail(what, todo) {
  console.error(`error: ${what}\n  ${todo}`);
  process.exit(1);
}

function requireMachine() {
  if (process.platform !== "linux" || process.arch !== "x64") {
    fail(
      `WCS's lab runs on Linux x86-64; this is ${process.platform} ${process.arch}.`,
      "Use a Linux x86-64 machine or virtual machine.",
    );
  }
  const major = Number(process.versions.node.split(".")[0]);
  if (major < 20) fail(`Node ${process.versions.node} is too old.`, "Install Node 20 or newer and npm 10 or newer.");
}

/** What `npm ci` depends on: the lock file, every workspace's manifest, and npm's settings. */
function dependencyHash() {
  const hash = createHash("sha256");
  const folders = readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== "node_modules" && !entry.name.startsWith("."))
    .map((entry) => entry.name)
    .sort();
  for (const file of [
    "package-lock.json",
    "package.json",
    ".npmrc",
    ...folders.map((name) => `${name}/package.json`),
  ]) {
    const path = join(root, file);
    if (existsSync(path)) hash.update(file).update("\0").update(readFileSync(path)).update("\0");
  }
  return hash.digest("hex");
}

function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** Two commands started together must not install into one node_modules: the second waits for the first. */
async function withInstallLock(run) {
  const lock = join(root, ".install-lock");
  for (let waited = 0; ; waited += 1) {
    try {
      writeFileSync(lock, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      const holder = Number(existsSync(lock) ? readFileSync(lock, "utf8") : "0");
      // An empty file is a holder that was killed before it wrote its number: it writes at once, so a second is enough.
      if (holder > 0 ? !alive(holder) : waited > 1) rmSync(lock, { force: true });
      else if (waited === 0) console.error(`waiting for process ${holder}, which is installing packages here`);
      if (waited > 600) fail(`${lock} is still held after 10 minutes.`, "End that process, or remove the file.");
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
  try {
    run();
  } finally {
    rmSync(lock, { force: true });
  }
}

function installPackages() {
  const stamp = join(root, "node_modules", ".wcs-installed");
  const wanted = dependencyHash();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  console.error("==> npm ci (about 15 s)");
  const started = Date.now();
  const result = spawnSync("npm", ["ci", "--no-fund", "--no-audit"], { cwd: root, stdio: ["ignore", 2, 2] });
  if (result.error?.code === "ENOENT") fail("npm is not on the PATH.", "Install npm 10 or newer.");
  if (result.status !== 0) {
    fail("npm ci did not finish.", "Its own message is above; most often the npm registry is out of reach.");
  }
  writeFileSync(stamp, wanted);
  console.error(`    done in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

const [command, ...rest] = process.argv.slice(2);
if (!commands.includes(command)) fail(`"${command ?? ""}" is not a command.`, `Use one of: ${commands.join(", ")}.`);
requireMachine();
await withInstallLock(installPackages);
const bin = join(root, "node_modules", ".bin");
const child = spawn(join(bin, "node"), [join(root, "tools", `${command}.ts`), ...rest], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(code ?? (signal ? 130 : 1)));
