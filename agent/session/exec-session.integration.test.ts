import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { duplexPair } from "node:stream";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { LinkError, readFrames, writeFrame, type SessionExit } from "@wcs/api/agent-link";
import { buildCage, probeLandlock } from "../cage/build-cage.ts";
import { execSession, type SessionHost } from "./exec-session.ts";
import { foldersOf, makeSessionCgroup } from "./session-cgroup.ts";

type Outcome = Readonly<{ output: string; error: string; exit: SessionExit | null }>;
type Asked = Readonly<{
  writable?: string[];
  signalsToAll?: boolean;
  capabilities?: number[];
  mostMs?: number;
  input?: string;
  podUid?: string;
  abortAfterMs?: number;
}>;

async function until(what: string, holds: () => boolean, mostMs = 10_000): Promise<void> {
  const end = performance.now() + mostMs;
  while (!holds()) {
    assert.ok(performance.now() < end, `not within ${mostMs} ms: ${what}`);
    await sleep(10);
  }
}

/** The command lines of processes that hold a word. */
function processesWith(word: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        return line.includes(word) ? [line] : [];
      } catch {
        return []; // it has just ended
      }
    });
}

describe("a program in a container", { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "wcs-session-"));
  const id = randomUUID().replaceAll("-", "");
  const cgroups: string[] = [];
  let launcher: ChildProcess;
  let containerPid = 0;
  let host: SessionHost;

  before(async () => {
    const cageProgram = await buildCage();
    host = {
      cageProgram,
      tasksFolder: join(folder, "tasks"),
      podLogsFolder: join(folder, "logs"),
      landlock: await probeLandlock(cageProgram),
      log: () => undefined,
    };
    // A container as containerd's runtime leaves it: namespaces, a cgroup of its own, a bundle.
    launcher = spawn("unshare", [
      "--mount",
      "--uts",
      "--ipc",
      "--net",
      "--pid",
      "--fork",
      "--mount-proc",
      "--kill-child",
      "sleep",
      "600",
    ]);
    const children = () => readFileSync(`/proc/${launcher.pid}/task/${launcher.pid}/children`, "utf8").trim();
    await until("the container's first process runs", () => {
      containerPid = Number(children().split(" ")[0]);
      return containerPid > 0 && readFileSync(`/proc/${containerPid}/comm`, "utf8").trim() === "sleep";
    });
    for (const mount of readFileSync("/proc/self/mountinfo", "utf8").split("\n")) {
      const [before = "", after = ""] = mount.split(" - ");
      if (!/^cgroup2? /.test(after)) continue;
      const path = join(before.split(" ")[4] ?? "", `wcs-test-${id}`);
      mkdirSync(path, { recursive: true });
      cgroups.push(path);
      for (const file of ["cpuset.cpus", "cpuset.mems"]) {
        const own = join(path, file);
        if (existsSync(own) && readFileSync(own, "utf8").trim() === "") {
          writeFileSync(own, readFileSync(join(path, "..", file)));
        }
      }
      writeFileSync(join(path, "cgroup.procs"), String(containerPid));
    }
    const bundle = join(host.tasksFolder, id);
    mkdirSync(bundle, { recursive: true });
    writeFileSync(join(bundle, "init.pid"), String(containerPid));
    const annotations = {
      "io.kubernetes.cri.container-type": "container",
      "io.kubernetes.cri.container-name": "app",
      "io.kubernetes.cri.sandbox-namespace": "retail",
      "io.kubernetes.cri.sandbox-name": "a-0",
      "io.kubernetes.cri.sandbox-uid": "u1",
    };
    const process_ = { user: { uid: 0, gid: 0 }, env: ["PATH=/usr/bin:/bin", "WHO=container"], cwd: "/usr" };
    writeFileSync(join(bundle, "config.json"), JSON.stringify({ annotations, process: process_ }));
  });
  after(async () => {
    launcher.kill("SIGKILL");
    await until("the container has ended", () => !existsSync(`/proc/${containerPid}`));
    for (const path of cgroups) rmdirSync(path);
    rmSync(folder, { recursive: true, force: true });
  });

  async function run(argv: string[], asked: Asked = {}): Promise<Outcome> {
    const stop = new AbortController();
    const cage = {
      writable: asked.writable ?? ["/tmp", "/dev/null"],
      capabilities: asked.capabilities ?? [],
      signalsToAll: asked.signalsToAll ?? false,
    };
    const target = {
      session: randomUUID(),
      namespace: "retail",
      pod: "a-0",
      podUid: asked.podUid ?? "u1",
      container: "app",
    };
    const body = { ...target, argv, cage, mostMs: asked.mostMs ?? 20_000 };
    const opened = await execSession(host).answer({ body, context: { server: "s1" }, signal: stop.signal });
    const [near, far] = duplexPair();
    const running = opened.run?.(far).then(() => far.end());
    if (asked.input !== undefined) near.write(writeFrame("input", Buffer.from(asked.input)));
    near.write(writeFrame("inputEnd", Buffer.alloc(0)));
    if (asked.abortAfterMs !== undefined) setTimeout(() => stop.abort(), asked.abortAfterMs);
    const parts = { output: [] as Buffer[], error: [] as Buffer[] };
    let exit: SessionExit | null = null;
    for await (const { type, data } of readFrames(near)) {
      if (type === "exit") exit = JSON.parse(data.toString()) as SessionExit;
      else if (type === "output" || type === "error") parts[type].push(Buffer.from(data));
    }
    await running;
    return {
      output: Buffer.concat(parts.output).toString("latin1"),
      error: Buffer.concat(parts.error).toString("latin1"),
      exit,
    };
  }
  const shell = (script: string, asked?: Asked) => run(["sh", "-c", script], asked);

  it("runs in its namespaces, with its environment and folder, and brings back output, errors and exit code apart", async () => {
    const { output, error, exit } = await shell(
      "readlink /proc/self/ns/net /proc/self/ns/uts; echo $WHO; pwd; echo oops >&2; exit 7",
    );
    const spaces = ["net", "uts"].map((name) => `${readlinkSync(`/proc/${containerPid}/ns/${name}`)}\n`).join("");
    assert.equal(output, `${spaces}container\n/usr\n`);
    assert.equal(error, "oops\n");
    assert.deepEqual(exit, { code: 7, reason: null });
    const missing = await run(["no-such-program"]);
    assert.deepEqual(missing.exit, { code: 127, reason: null });
  });

  it("passes bytes as they are, in and out", async () => {
    const { output } = await run(["head", "-c", "256", "/dev/urandom"]);
    assert.equal(output.length, 256);
    const echoed = await run(["printf", "\\0\\377\\n"]);
    assert.equal(echoed.output, "\0ÿ\n");
    const typed = await run(["cat"], { input: "grüße 你好\n" });
    assert.equal(Buffer.from(typed.output, "latin1").toString("utf8"), "grüße 你好\n");
    const large = await shell("head -c 3000000 /dev/zero");
    assert.equal(large.output.length, 3_000_000);
  });

  it("can write only where it may, and can't run what it wrote", async () => {
    const place = mkdtempSync(join(tmpdir(), "wcs-cage-"));
    const secret = join(folder, "precious");
    writeFileSync(secret, "whole");
    for (const attempt of [
      `rm -f ${secret}`,
      `echo x > ${secret}`,
      `: >> ${secret}; mv ${secret} ${place}/x`,
      `ln ${secret} ${place}/x`,
      `truncate -s 0 ${secret}`,
      `chmod 777 ${secret}`,
      `chown 1:1 ${secret}`,
      `perl -e 'unlink "${secret}" or exit 1'`,
      `cp /bin/cat ${place}/cat; ${place}/cat /etc/hostname`,
      `cp /bin/cat ${place}/cat; /lib64/ld-linux-x86-64.so.2 ${place}/cat /etc/hostname`,
      `mount -t tmpfs none ${place}`,
      "unshare -U true",
      `kill -9 ${process.pid}`,
    ]) {
      const { exit } = await shell(`{ ${attempt}; } 2>/dev/null`, { writable: [place, "/dev/null"] });
      assert.notEqual(exit?.code, 0, attempt);
      assert.equal(readFileSync(secret, "utf8"), "whole", attempt);
    }
    const good = await shell(`echo x > ${place}/y && cat ${place}/y && rm ${place}/y`, { writable: [place] });
    assert.deepEqual(good, { output: "x\n", error: "", exit: { code: 0, reason: null } });
    rmSync(place, { recursive: true });
  });

  it("keeps no capability but those that it is given, and gains none", async () => {
    const { output } = await shell("grep -E '^(Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp):' /proc/self/status");
    const fields = Object.fromEntries(
      output
        .trim()
        .split("\n")
        .map((line) => line.split(/:\s+/) as [string, string]),
    );
    assert.deepEqual(fields, {
      CapPrm: "0000000000000000",
      CapEff: "0000000000000000",
      CapBnd: "0000000000000000",
      CapAmb: "0000000000000000",
      NoNewPrivs: "1",
      Seccomp: "2",
    });
    const one = await shell("grep -E '^Cap(Eff|Bnd):' /proc/self/status", { capabilities: [19] });
    assert.equal(one.output, "CapEff:\t0000000000080000\nCapBnd:\t0000000000080000\n");
  });

  it("can't end the container's own processes, unless it may", async () => {
    const refused = await shell("kill -0 1");
    assert.notEqual(refused.exit?.code, 0);
    const allowed = await shell("kill -0 1", { signalsToAll: true });
    assert.equal(allowed.exit?.code, 0);
  });

  it("leaves nothing behind, however it was left running", async () => {
    const mark = `94${process.pid}.25`;
    const begun = performance.now();
    const { output, exit } = await shell(`setsid nohup sleep ${mark} >/dev/null 2>&1 & (sleep ${mark} &) ; echo left`);
    assert.equal(output, "left\n");
    assert.deepEqual(exit, { code: 0, reason: null });
    assert.deepEqual(processesWith(mark), []);
    assert.ok(performance.now() - begun < 10_000, "and nobody waited for them");
    for (const path of cgroups) {
      assert.deepEqual(
        readdirSync(path).filter((name) => name.startsWith("wcs-")),
        [],
      );
    }
  });

  it("ends when its time is over, and when the connection breaks", async () => {
    const mark = `93${process.pid}.25`;
    const late = await shell(`sleep ${mark} & sleep ${mark}`, { mostMs: 300 });
    assert.equal(late.exit?.code, null);
    assert.match(late.exit?.reason ?? "", /time/);
    assert.deepEqual(processesWith(mark), []);
    const cut = await shell(`sleep ${mark} & sleep ${mark}`, { abortAfterMs: 200 });
    assert.equal(cut.exit?.code, null);
    assert.deepEqual(processesWith(mark), []);
  });

  it("is none in another pod of the same name", async () => {
    await assert.rejects(
      run(["true"], { podUid: "u2" }),
      (error) => error instanceof LinkError && error.code === "instance.not-here",
    );
  });

  it("has its cgroup below the container's in every hierarchy that holds the container", async () => {
    const memberships = readFileSync(`/proc/${containerPid}/cgroup`, "utf8");
    const folders = foldersOf(readFileSync("/proc/self/mountinfo", "utf8"), memberships);
    assert.deepEqual(new Set(folders), new Set(cgroups));
    const cgroup = await makeSessionCgroup(containerPid, randomUUID());
    assert.equal(cgroup.procsFiles.length, cgroups.length);
    await cgroup.end();
  });
});
