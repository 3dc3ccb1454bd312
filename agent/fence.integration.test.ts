import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { buildWecni } from "@wcs/cni";
import { answers, createTestHost, instancePod, podArgs, type TestHost } from "./testing/test-host.ts";

const isolationMs = 1_000;

describe("what a host may no longer have", { timeout: 120_000 }, () => {
  let host: TestHost;
  let other: TestHost;
  let spaces = 0;
  const added: (readonly [TestHost, string])[] = [];
  const nics = [{ area: "core" as const, host: 20 }];
  const app = instancePod("app-0", nics, { generation: 3 });
  const moved = instancePod("app-0", nics, { generation: 4, uid: "uid-moved" });
  const fenced = [{ instance: "app-0", generation: 3 }];

  before(async () => {
    const wecni = await buildWecni();
    host = await createTestHost({ wecni, config: { isolationMs } });
    other = await createTestHost({ wecni, joins: host, config: { isolationMs } });
    host.setPods([app]);
    other.setPods([moved]);
    await Promise.all([host.start(), other.start()]);
  });
  after(async () => {
    await other?.close();
    await host?.close();
  });
  afterEach(async () => {
    host.setPods([app]);
    for (const [on, container] of added.splice(0)) await on.cni("DEL", container);
  });

  const add = (on: TestHost, pod: typeof app, container: string) => {
    added.push([on, container]);
    return on.cni("ADD", container, { netns: on.addSpace(`f${(spaces += 1)}`), args: podArgs(pod) });
  };
  const until = async (what: string, holds: () => boolean | Promise<boolean>): Promise<void> => {
    for (let waitedMs = 0; !(await holds()); waitedMs += 50) {
      assert.ok(waitedMs < 15_000, `not within 15 s: ${what}\n${host.log().slice(-1500)}`);
      await sleep(50);
    }
  };
  /** The host's cable, at the switch. */
  const cable = (state: "up" | "down") => execFileSync("ip", ["-n", host.spaces.tor, "link", "set", "core-h1", state]);
  const portIsUp = () => {
    const [link] = host.ourLinks();
    return link !== undefined && /[<,]UP[,>]/.test(host.run(host.hostSpace, "ip", "-o", "link", "show", link));
  };
  const codeOf = ({ output }: Awaited<ReturnType<typeof add>>) => (output as { code?: number } | null)?.code;

  it("gets no network: an instance up to the fenced generation is refused, a later one is not", async () => {
    host.setPods([app], undefined, fenced);
    await until("the fence to be known", async () => codeOf(await add(host, app, "old")) === 108);
    assert.deepEqual(host.ourLinks(), []);
    host.setPods([instancePod("app-0", nics, { generation: 4 })], undefined, fenced);
    await until("it to be let back", async () => (await add(host, app, "back")).status === 0);
  });

  it("loses the network that it has, at once", async () => {
    assert.equal((await add(host, app, "there")).status, 0, host.log());
    assert.ok(answers(host.spaces.vm, "10.9.1.20"));
    host.setPods([app], undefined, fenced);
    await until("it to be off the network", () => host.ourLinks().length === 0);
    assert.equal(answers(host.spaces.vm, "10.9.1.20"), false);
    await until("it to be told", () => /app-0 was moved away: taken off the network/.test(host.log()));
  });

  it("is not known after a reboot before the cluster has spoken: until then no instance gets a network, what the disk says does not count", async () => {
    const copy = join(host.folder, "state/pods.json");
    await until("the copy on disk", () => existsSync(copy) && existsSync(host.startedMark));
    await sleep(500);
    await host.kill();
    renameSync(host.podsFile, `${host.podsFile}.away`);
    await host.start();
    assert.equal((await add(host, app, "restart")).status, 0, "a restart of the agent alone is no reboot");
    await host.kill();
    rmSync(host.startedMark);
    await host.start();
    const early = await add(host, app, "early");
    assert.equal(codeOf(early), 11);
    assert.match(JSON.stringify(early.output), /started anew/);
    renameSync(`${host.podsFile}.away`, host.podsFile);
    host.setPods([app], undefined, fenced);
    await until("the cluster's word", async () => codeOf(await add(host, app, "late")) === 108);
  });

  it("is shut while the host is cut off, and opened again when nobody else has the address", async () => {
    assert.equal((await add(host, app, "cut")).status, 0, host.log());
    await sleep(isolationMs);
    cable("down");
    try {
      await until("its port to be shut", () => !portIsUp());
    } finally {
      cable("up");
    }
    await until("its port to be open again", portIsUp);
    await until("a neighbour to reach it", () => answers(host.spaces.vm, "10.9.1.20"));
  });

  it("stays shut when the instance was moved meanwhile, with no word from any server, so that nobody has its address twice", async () => {
    assert.equal((await add(host, app, "stale")).status, 0, host.log());
    await sleep(isolationMs);
    cable("down");
    try {
      await until("its port to be shut", () => !portIsUp());
      assert.equal((await add(other, moved, "moved")).status, 0, other.log());
      assert.ok(answers(host.spaces.vm, "10.9.1.20"), "it is on the other host");
    } finally {
      cable("up");
    }
    await until("the conflict to be seen", () => /10\.9\.1\.20 is answered for by another host/.test(host.log()));
    for (let look = 0; look < 5; look += 1) {
      assert.equal(portIsUp(), false);
      assert.ok(answers(host.spaces.vm, "10.9.1.20"));
      await sleep(100);
    }
    host.setPods([app], undefined, fenced);
    await until("the old one to be gone", () => host.ourLinks().length === 0);
    assert.ok(answers(host.spaces.vm, "10.9.1.20"));
  });
});
