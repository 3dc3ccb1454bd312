import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { duplexPair } from "node:stream";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { LinkError, readFrames } from "@wcs/api/agent-link";
import { logsSession } from "./logs-session.ts";

type Asked = Readonly<{
  follow?: boolean;
  previous?: boolean;
  sinceMs?: number;
  lastLines?: number;
  contains?: string;
}>;

const line = (second: number, text: string, stream = "stdout"): string =>
  `2026-11-24T10:00:${String(second).padStart(2, "0")}.000000001Z ${stream} F ${text}\n`;

/** A pod's log folder as kubelet keeps it. */
function makeLogs(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "wcs-logs-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "retail_a-0_u1/app"), { recursive: true });
  return folder;
}

async function open(folder: string, asked: Asked, signal = new AbortController().signal) {
  const { follow = false, previous = false, sinceMs = null, lastLines = null, contains = null } = asked;
  const target = { session: crypto.randomUUID(), namespace: "retail", pod: "a-0", podUid: "u1", container: "app" };
  const body = { ...target, follow, previous, sinceMs, lastLines, contains };
  const host = { cageProgram: "", tasksFolder: "", podLogsFolder: folder, landlock: 0, log: () => undefined };
  const { run } = await logsSession(host).answer({ body, context: { server: "s1" }, signal });
  const [near, far] = duplexPair();
  const running = run?.(far).then(() => far.end());
  const texts: string[] = [];
  const reading = (async () => {
    for await (const { type, data } of readFrames(near)) if (type === "output") texts.push(data.toString());
    await running;
  })();
  return {
    done: reading,
    texts: () =>
      texts
        .join("")
        .split("\n")
        .filter(Boolean)
        .map((text) => text.slice(31)),
  };
}

async function textsOf(folder: string, asked: Asked): Promise<string[]> {
  const { done, texts } = await open(folder, asked);
  await done;
  return texts();
}

describe("a container's log", { timeout: 30_000 }, () => {
  it("is read through its rotated parts in order of time, also packed ones", async (context) => {
    const folder = makeLogs(context);
    const file = (name: string) => join(folder, "retail_a-0_u1/app", name);
    writeFileSync(file("1.log.20261124-100001.gz"), gzipSync(line(1, "one")));
    writeFileSync(file("1.log.20261124-100002"), line(2, "two", "stderr"));
    writeFileSync(file("1.log"), line(3, "three 好") + line(4, "four"));
    writeFileSync(file("0.log"), line(0, "before"));
    assert.deepEqual(await textsOf(folder, {}), [
      "stdout before",
      "stdout one",
      "stderr two",
      "stdout three 好",
      "stdout four",
    ]);
    assert.deepEqual(await textsOf(folder, { previous: true }), ["stdout before"]);
    assert.deepEqual(await textsOf(folder, { lastLines: 2 }), ["stdout three 好", "stdout four"]);
    assert.deepEqual(await textsOf(folder, { lastLines: 0 }), []);
    assert.deepEqual(await textsOf(folder, { contains: "t" }), ["stderr two", "stdout three 好"]);
    assert.deepEqual(await textsOf(folder, { sinceMs: Date.parse("2026-11-24T10:00:03Z") }), [
      "stdout three 好",
      "stdout four",
    ]);
  });

  it("is followed through rotation, a restart, and lines that come in pieces, with nothing lost or doubled", async (context) => {
    const folder = makeLogs(context);
    const file = (name: string) => join(folder, "retail_a-0_u1/app", name);
    writeFileSync(file("0.log"), line(1, "1"));
    const stop = new AbortController();
    const { done, texts } = await open(folder, { follow: true }, stop.signal);
    const until = async (count: number) => {
      for (let waitedMs = 0; texts().length < count; waitedMs += 20) {
        assert.ok(waitedMs < 8000, `${texts().join()} after 8 s`);
        await sleep(20);
      }
    };
    await until(1);
    appendFileSync(file("0.log"), line(2, "2").slice(0, 20));
    await sleep(300);
    appendFileSync(file("0.log"), line(2, "2").slice(20));
    await until(2);
    appendFileSync(file("0.log"), line(3, "3"));
    renameSync(file("0.log"), file("0.log.20261124-100003"));
    writeFileSync(file("0.log"), line(4, "4"));
    writeFileSync(file("1.log"), line(5, "5"));
    await until(5);
    appendFileSync(file("1.log"), line(6, "6"));
    await until(6);
    stop.abort();
    await done;
    assert.deepEqual(
      texts(),
      ["1", "2", "3", "4", "5", "6"].map((text) => `stdout ${text}`),
    );
  });

  it("is refused where there is none", async (context) => {
    const folder = makeLogs(context);
    await assert.rejects(open(folder, {}), (error) => error instanceof LinkError && error.code === "instance.not-here");
    writeFileSync(join(folder, "retail_a-0_u1/app/0.log"), line(1, "1"));
    await assert.rejects(
      open(folder, { previous: true }),
      (error) => error instanceof LinkError && error.code === "logs.no-previous",
    );
  });
});
