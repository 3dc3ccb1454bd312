import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { kubectl, prepareLab, readState } from "@wcs/lab";
import { labCommand, startLabCommand } from "./lab-command.ts";
import { takeMachineSnapshot, type MachineSnapshot } from "./machine-snapshot.ts";

/** Numbers in [0, 1) that are the same in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const rounds = Number(process.env["WCS_LAB_CRASH_ROUNDS"] ?? "5");
const random = seeded(Number(process.env["WCS_LAB_CRASH_SEED"] ?? "20261124"));

async function killAfter(args: readonly string[], delayMs: number): Promise<boolean> {
  const child = startLabCommand(args);
  child.stdout?.resume();
  child.stderr?.resume();
  const closed = once(child, "exit") as Promise<[number | null, string | null]>;
  await Promise.race([sleep(delayMs), closed]);
  child.kill("SIGKILL");
  return (await closed)[1] === "SIGKILL";
}

describe("a lab whose commands are killed", () => {
  let clean: MachineSnapshot | undefined;
  before(async () => {
    await prepareLab();
    assert.equal(readState(), null, "a lab is up: wcs-lab down");
    clean = takeMachineSnapshot();
  });
  after(async () => {
    if (clean !== undefined) await labCommand(["down"]); // else the lab that is up is somebody else's
  });

  it("comes up after kill -9 at any moment of up, and down leaves the machine as it was", async () => {
    const started = performance.now();
    assert.equal((await labCommand(["up", "small", "--no-figures"])).status, 0);
    const wholeMs = performance.now() - started;
    assert.equal((await labCommand(["down"])).status, 0);
    assert.deepEqual(takeMachineSnapshot(), clean, "after a lab that nothing happened to");
    let killed = 0;
    for (let round = 0; round < rounds; round += 1) {
      if (await killAfter(["up", "small", "--no-figures"], 150 + random() * wholeMs * 0.9)) killed += 1;
      if (random() < 0.3) await killAfter(["down"], 100 + random() * 500);
    }
    assert.ok(killed >= Math.floor(rounds / 2), `only ${killed} of ${rounds} were killed in the middle`);
    const again = await labCommand(["up", "small", "--no-figures"]);
    assert.equal(again.status, 0, again.stderr);
    assert.equal((await kubectl("idc1-c1", ["get", "nodes", "--no-headers"])).match(/ Ready /g)?.length, 2);
    assert.equal((await kubectl("idc2-c1", ["get", "nodes", "--no-headers"])).match(/ Ready /g)?.length, 1);
    assert.equal((await labCommand(["down"])).status, 0);
    assert.deepEqual(takeMachineSnapshot(), clean);
  });

  it("is taken away whole by down right after a kill", async () => {
    await killAfter(["up", "small", "--no-figures"], 2500);
    assert.equal((await labCommand(["down"])).status, 0);
    assert.deepEqual(takeMachineSnapshot(), clean);
  });

  it("is down after down twice", async () => {
    assert.equal((await labCommand(["down"])).status, 0);
    assert.match((await labCommand(["status"])).stdout, /down/);
  });

  it("refuses a second command while one is at work, and says who that is", async () => {
    const first = startLabCommand(["up", "small", "--no-figures"]);
    const exited = once(first, "exit");
    await sleep(1500);
    const second = await labCommand(["down"]);
    assert.equal(second.status, 1);
    assert.match(second.stderr, new RegExp(`held by process ${first.pid} \\(wcs-lab up small\\) since `));
    await exited;
  });

  it("refuses a wrong topology with every line and reason before it touches anything", async () => {
    await labCommand(["down"]);
    const folder = mkdtempSync(join(tmpdir(), "wcs-topology-"));
    const file = join(folder, "wrong.yaml");
    const good = readFileSync(fileURLToPath(new URL("../lab/topologies/small.yaml", import.meta.url)), "utf8");
    writeFileSync(
      file,
      good
        .replace("cidr: 10.72.1.0/24", "cidr: 10.71.0.0/16")
        .replace("name: idc1-h1, rack: idc1-r1,", "name: idc1-h1,")
        .replace("core: 10.71.1.2, dmz", "core: 10.71.1.1, dmz"),
    );
    const refused = await labCommand(["up", file]);
    rmSync(folder, { recursive: true });
    assert.equal(refused.status, 2);
    const lineOf = (words: string) => good.slice(0, good.indexOf(words)).split("\n").length;
    for (const [words, reason] of [
      ["cidr: 10.72.1.0/24", "10.71.0.0/16 overlaps 10.71.250.0/24"],
      ["name: idc1-h1, rack", "idc1-h1 has no rack"],
      ["dmz: 10.71.129.2", "10.71.1.1 is taken by"],
    ] as const) {
      const line = refused.stderr.split("\n").find((each) => each.includes(reason));
      assert.ok(
        line?.startsWith(`wcs-lab: ${file}:${lineOf(words)}: `) || line?.startsWith(`${file}:${lineOf(words)}: `),
        refused.stderr,
      );
    }
    assert.deepEqual(takeMachineSnapshot(), clean);
  });
});
