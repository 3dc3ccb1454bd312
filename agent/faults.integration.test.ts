import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, describe, it } from "node:test";
import { buildWecni } from "@wcs/cni";
import { faultPoints } from "./fault-points.ts";
import { answers, createTestHost, instancePod, podArgs, type TestHost } from "./testing/test-host.ts";

const app = instancePod("app-0", [
  { area: "core", host: 20 },
  { area: "dmz", host: 20 },
]);

async function withHost(config: Record<string, unknown>, work: (host: TestHost) => Promise<void>): Promise<void> {
  const host = await createTestHost({ wecni: await buildWecni(), config });
  try {
    host.setPods([app]);
    await work(host);
  } finally {
    await host.close();
  }
}

/** Nothing is held, plumbed, allowed or waiting. */
async function assertClean(host: TestHost): Promise<void> {
  const { attachments } = await host.status();
  assert.deepEqual(attachments, []);
  assert.deepEqual(host.ourLinks(), []);
  assert.doesNotMatch(host.run(host.hostSpace, "nft", "list", "set", "bridge", "wcs_guard", "addresses"), /elements/);
  assert.deepEqual(
    readdirSync(join(host.folder, "tombstones")).filter((name) => name.endsWith(".del")),
    [],
  );
}

async function waitUntil(what: string, check: () => Promise<boolean> | boolean, timeoutMs = 8_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await check())) {
    assert.ok(performance.now() < deadline, `${what} did not come true within ${timeoutMs} ms`);
    await sleep(50);
  }
}

describe("kill -9 of the agent", () => {
  let host: TestHost;
  let spaces = 0;
  before(async () => {
    host = await createTestHost({ wecni: await buildWecni() });
    host.setPods([app]);
  });
  after(() => host.close());

  for (const point of faultPoints.filter((name) => name.startsWith("add."))) {
    it(`at ${point} loses nothing and doubles nothing, and the pod starts`, async () => {
      spaces += 1;
      const netns = host.addSpace(`k${spaces}`);
      await host.kill();
      await host.start(point);
      const cut = await host.cni("ADD", `cut${spaces}`, { netns, args: podArgs(app) });
      assert.equal(cut.output?.["code"], 11, JSON.stringify(cut));
      await host.kill();
      await host.start();
      const { attachments } = await host.status();
      const committed = point === "add.committed";
      assert.deepEqual(
        attachments.map(({ key, phase }) => [key, phase]),
        committed ? [[`cut${spaces}/eth0`, "present"]] : [],
      );
      assert.equal(host.ourLinks().length, committed ? 2 : 0);
      // What the runtime does: it ends the sandbox that failed and makes a new one.
      assert.equal((await host.cni("DEL", `cut${spaces}`, { netns })).status, 0);
      const again = await host.cni("ADD", `next${spaces}`, { netns, args: podArgs(app) });
      assert.equal(again.status, 0, JSON.stringify(again.output));
      assert.ok(answers(host.spaces.vm, "10.9.1.20"));
      assert.equal((await host.cni("DEL", `next${spaces}`, { netns })).status, 0);
      await assertClean(host);
      await host.kill();
    });
  }

  for (const point of faultPoints.filter((name) => name.startsWith("del."))) {
    it(`at ${point} loses no DEL, and the pod starts again`, async () => {
      spaces += 1;
      const netns = host.addSpace(`k${spaces}`);
      await host.kill();
      await host.start(point);
      assert.equal((await host.cni("ADD", `d${spaces}`, { netns, args: podArgs(app) })).status, 0);
      const cut = await host.cni("DEL", `d${spaces}`, { netns });
      assert.deepEqual([cut.status, cut.output], [0, null], "kept for the agent");
      await host.kill();
      await host.start();
      await assertClean(host);
      assert.equal((await host.cni("ADD", `d${spaces}n`, { netns, args: podArgs(app) })).status, 0);
      assert.equal((await host.cni("DEL", `d${spaces}n`, { netns })).status, 0);
      await assertClean(host);
      await host.kill();
    });
  }
});

describe("the agent's faults", () => {
  it("200 parallel ADDs and DELs with random kills leave no leak and no double address", async () => {
    await withHost({ conflictProbe: { waitMs: 5, attempts: 1 }, leakLookMs: 300, leakGraceMs: 500 }, async (host) => {
      host.setPods([], ["10.9.1.20-10.9.1.250"]);
      await host.start();
      let state = 11;
      const random = (below: number) => {
        state = (state * 1103515245 + 12345) % 2147483648;
        return Math.floor((state / 2147483648) * below);
      };
      const load = { running: true };
      const killer = (async () => {
        for (let round = 0; load.running && round < 6; round += 1) {
          await sleep(200 + random(500));
          await host.kill();
          await host.start();
        }
      })();
      const spaces = Array.from({ length: 200 }, (_, index) => host.addSpace(`p${index}`));
      const kept = new Map<string, string>();
      const until = async (verb: string, id: string, netns: string) => {
        for (let attempt = 0; attempt < 400; attempt += 1) {
          const outcome = await host.cni(verb, id, { netns });
          if (outcome.status === 0) return outcome;
          assert.equal(outcome.output?.["code"], 11, JSON.stringify(outcome.output));
          await sleep(50 + random(100));
        }
        throw new Error(`${verb} ${id} never came through`);
      };
      await Promise.all(
        spaces.map(async (netns, index) => {
          const added = await until("ADD", `p${index}`, netns);
          if (index % 2 === 0) await until("DEL", `p${index}`, netns);
          else {
            kept.set(
              `p${index}/eth0`,
              String((added.output as { ips: { address: string }[] }).ips[0]?.address.split("/")[0]),
            );
          }
        }),
      );
      load.running = false;
      await killer;
      await waitUntil("all tombstones replayed", async () => (await host.status()).attachments.length === 100);
      const { attachments } = await host.status();
      assert.deepEqual(new Set(attachments.map(({ key }) => key)), new Set(kept.keys()));
      for (const { key, nics } of attachments) assert.equal(nics[0]?.ip, kept.get(key), `${key} kept its address`);
      assert.equal(new Set(kept.values()).size, 100, "no address twice");
      await waitUntil("no link without an owner", () => host.ourLinks().length === 100);
      await Promise.all(
        spaces.map((netns, index) => (index % 2 === 1 ? until("DEL", `p${index}`, netns) : Promise.resolve(null))),
      );
      await waitUntil("all is given back", async () => (await host.status()).attachments.length === 0);
      assert.deepEqual(host.ourLinks(), []);
    });
  });

  it("a full disk under the journal refuses ADDs with a clear code, lets DELs through, and heals", async () => {
    await withHost({}, async (host) => {
      const stateFolder = join(host.folder, "state");
      mkdirSync(stateFolder, { recursive: true });
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=128k", "wcs-test", stateFolder]);
      try {
        await host.start();
        const netns = host.addSpace("full");
        assert.equal((await host.cni("ADD", "before", { netns, args: podArgs(app) })).status, 0);
        const filler = join(stateFolder, "filler");
        try {
          for (;;) appendFileSync(filler, Buffer.alloc(4096));
        } catch (error) {
          assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
        }
        // The last page of the journal may have room for some more records.
        let refused = await host.cni("ADD", "full0", { netns: host.addSpace("full0") });
        for (let round = 1; refused.status === 0 && round < 20; round += 1) {
          refused = await host.cni("ADD", `full${round}`, { netns: host.addSpace(`full${round}`) });
        }
        assert.equal(refused.output?.["code"], 103, JSON.stringify(refused.output));
        assert.match(String(refused.output?.["details"]), /ENOSPC/);
        assert.equal((await host.cni("STATUS", "")).output?.["code"], 50);
        const links = host.ourLinks().length;
        assert.equal((await host.cni("DEL", "before", { netns })).status, 0);
        assert.equal(host.ourLinks().length, links - 2);
        rmSync(filler);
        assert.equal((await host.cni("ADD", "after", { netns, args: podArgs(app) })).status, 0);
        assert.equal((await host.cni("STATUS", "")).status, 0);
        await host.kill();
        await host.start();
        assert.ok((await host.status()).attachments.some(({ key }) => key === "after/eth0"));
      } finally {
        await host.kill();
        execFileSync("umount", [stateFolder]);
      }
    });
  });

  it("a torn journal is read up to its last whole line", async () => {
    await withHost({}, async (host) => {
      await host.start();
      const [one, two] = [host.addSpace("t1"), host.addSpace("t2")];
      assert.equal((await host.cni("ADD", "t1", { netns: one, args: podArgs(app) })).status, 0);
      const whole = readFileSync(host.journalFile).length;
      assert.equal((await host.cni("ADD", "t2", { netns: two })).status, 0);
      await host.kill();
      const all = readFileSync(host.journalFile).length;
      for (const length of [all - 1, whole + 40, whole + 1]) {
        truncateSync(host.journalFile, length);
        await host.start();
        const { attachments } = await host.status();
        assert.ok(attachments.some(({ key, phase }) => key === "t1/eth0" && phase === "present"));
        assert.ok(
          attachments.every(({ key }) => key === "t1/eth0"),
          "what has no commit was rolled back",
        );
        await host.kill();
      }
      appendFileSync(host.journalFile, Buffer.from([0, 1, 2, 0xff]));
      await host.start();
      assert.equal((await host.cni("ADD", "t3", { netns: two })).status, 0);
      await host.kill();
      await host.start();
      assert.equal((await host.status()).attachments.length, 2);
    });
  });

  it("a damaged line of the journal costs no address twice: live ports tell what it held", async () => {
    await withHost({ conflictProbe: { waitMs: 0, attempts: 1 } }, async (host) => {
      host.setPods([app], ["10.9.1.200-10.9.1.201"]);
      await host.start();
      const [one, two, three] = [host.addSpace("x1"), host.addSpace("x2"), host.addSpace("x3")];
      assert.equal((await host.cni("ADD", "x1", { netns: one })).status, 0);
      assert.equal((await host.cni("ADD", "x2", { netns: two, args: podArgs(app) })).status, 0);
      await host.kill();
      const bytes = readFileSync(host.journalFile);
      bytes[20] = (bytes[20] ?? 0) ^ 1;
      writeFileSync(host.journalFile, bytes);
      await host.start();
      assert.match(host.log(), /lines are damaged/);
      const added = await host.cni("ADD", "x3", { netns: three });
      assert.equal((added.output as unknown as { ips: { address: string }[] }).ips[0]?.address, "10.9.1.201/24");
    });
  });

  it("a clock that jumps while it runs neither ends what is alive nor hides a leak", async () => {
    await withHost({ leakLookMs: 100, leakGraceMs: 2_000 }, async (host) => {
      // A jump of 20 years forward, the next back, and so on, at SIGUSR2.
      const shim = `const now=Date.now.bind(Date);let jump=0;Date.now=()=>now()+jump;process.on("SIGUSR2",()=>{jump=jump===0?63e10:-63e10-jump})`;
      await host.start(undefined, 0, {
        NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(shim)}`,
      });
      assert.equal((await host.cni("ADD", "live", { netns: host.addSpace("live"), args: podArgs(app) })).status, 0);
      for (const round of ["forward", "back"]) {
        const netns = host.addSpace(round);
        assert.equal((await host.cni("ADD", round, { netns })).status, 0);
        host.removeSpace(netns);
        await sleep(400);
        host.agent()?.kill("SIGUSR2");
        await sleep(700);
        assert.equal((await host.status()).attachments.length, 2, `${round}: it was seen for 1.1 s, not for 2`);
        await waitUntil("the leak is ended", async () => (await host.status()).attachments.length === 1);
        assert.deepEqual(
          (await host.status()).attachments.map(({ key }) => key),
          ["live/eth0"],
        );
      }
      assert.ok(answers(host.spaces.vm, "10.9.1.20"));
    });
  });

  it("of two agents that are started one serves, and the next may when that one is killed", async () => {
    await withHost({}, async (host) => {
      const outcomes = await Promise.allSettled([host.start(), host.start()]);
      const failed = outcomes.filter((outcome) => outcome.status === "rejected");
      assert.equal(failed.length, 1);
      assert.match(String(failed[0]?.reason), /another wcs-agent runs on this host/);
      const netns = host.addSpace("two");
      assert.equal((await host.cni("ADD", "two", { netns, args: podArgs(app) })).status, 0);
      await assert.rejects(host.start(), /another wcs-agent/);
      assert.deepEqual(
        (await host.status()).attachments.map(({ key, phase }) => [key, phase]),
        [["two/eth0", "present"]],
        "the one that may not serve has touched nothing",
      );
      assert.ok(answers(host.spaces.vm, "10.9.1.20"));
      await host.kill();
      await host.start();
      assert.equal((await host.cni("DEL", "two", { netns })).status, 0);
      await assertClean(host);
    });
  });

  it("IPs exhausted during a release block no instance: its pod needs no second address", async () => {
    await withHost({}, async (host) => {
      host.setPods([app], ["10.9.1.200-10.9.1.200"]);
      await host.start();
      const netns = host.addSpace("e0");
      assert.equal((await host.cni("ADD", "e0", { netns })).status, 0);
      assert.equal((await host.cni("ADD", "e1", { netns: host.addSpace("e1"), args: podArgs(app) })).status, 0);
      for (const round of [2, 3]) {
        const renewed = { ...app, uid: `uid-${round}` };
        host.setPods([renewed], ["10.9.1.200-10.9.1.200"]);
        assert.equal((await host.cni("ADD", "x", { netns: host.addSpace(`x${round}`) })).output?.["code"], 102);
        const added = await host.cni("ADD", `e${round}`, { netns: host.addSpace(`e${round}`), args: podArgs(renewed) });
        assert.equal(added.status, 0, JSON.stringify(added.output));
      }
      assert.ok(answers(host.spaces.vm, "10.9.1.20"));
    });
  });

  it("leaks are found, seen twice and ended; what is alive is left alone", async () => {
    await withHost({ leakLookMs: 100, leakGraceMs: 400 }, async (host) => {
      await host.start();
      const [live, gone, pod] = [host.addSpace("live"), host.addSpace("gone"), host.addSpace("pod")];
      assert.equal((await host.cni("ADD", "live", { netns: live })).status, 0);
      assert.equal((await host.cni("ADD", "gone", { netns: gone })).status, 0);
      assert.equal((await host.cni("ADD", "pod", { netns: pod, args: podArgs(app) })).status, 0);
      // A container that went away without its DEL, a pod whose sandbox is made anew, and a link that is nobody's.
      host.removeSpace(gone);
      host.removeSpace(pod);
      host.run(host.hostSpace, "ip", "link", "add", "wcsdeadbeef000", "type", "veth", "peer", "name", "deadbeef");
      await sleep(200);
      assert.equal((await host.status()).attachments.length, 3, "not before it was seen for long enough");
      await waitUntil("the leak is ended", async () => (await host.status()).attachments.length === 2);
      await waitUntil("the link is ended", () => !host.ourLinks().includes("wcsdeadbeef000"));
      await sleep(800);
      const keys = (await host.status()).attachments.map(({ key }) => key).sort();
      assert.deepEqual(keys, ["live/eth0", "pod/eth0"], "a pod that runs keeps its address");
      assert.equal(host.ourLinks().length, 1);
    });
  });

  it("without cluster and without server, a known pod starts again from the copy on disk", async () => {
    await withHost({}, async (host) => {
      await host.start();
      const copy = join(host.folder, "state/pods.json");
      await waitUntil("the copy is written", () => existsSync(copy) && readFileSync(copy, "utf8").includes("app-0"));
      await host.kill();
      rmSync(join(host.folder, "pods-source.json"));
      await host.start();
      const added = await host.cni("ADD", "disk", { netns: host.addSpace("disk"), args: podArgs(app) });
      assert.equal(added.status, 0, JSON.stringify(added.output));
      assert.ok(answers(host.spaces.vm, "10.9.1.20"));
      const unknown = await host.cni("ADD", "other", {
        netns: host.addSpace("o"),
        args: podArgs({ ...app, uid: "new" }),
      });
      assert.equal(unknown.output?.["code"], 11);
    });
  });
});
