import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { buildWecni } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "wecni-"));
const socketPath = join(folder, "agent.sock");
const tombstones = join(folder, "tombstones");
let wecni = "";

type Outcome = { status: number | null; text: string };

async function call(env: Record<string, string>, input: string | Buffer | null = "{}"): Promise<Outcome> {
  const child = spawn(wecni, [], {
    env: { WECNI_SOCKET: socketPath, WECNI_TOMBSTONES: tombstones, ...env },
    stdio: [input === null ? "ignore" : "pipe", "pipe", "inherit"],
  });
  const out: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => out.push(chunk));
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(input);
  const [status] = (await once(child, "close")) as [number | null];
  return { status, text: Buffer.concat(out).toString() };
}
const code = ({ text }: Outcome) => (JSON.parse(text) as { code: number }).code;

/** An agent that does with a whole connection whatever the test says. */
async function listen(onSocket: (socket: Socket) => void): Promise<Server> {
  rmSync(socketPath, { force: true });
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    onSocket(socket);
  });
  server.listen(socketPath);
  await once(server, "listening");
  return server;
}
const answer = (exitCode: number, text: string) => {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(exitCode, 0);
  head.writeUInt32LE(Buffer.byteLength(text), 4);
  return Buffer.concat([head, Buffer.from(text)]);
};

describe("wecni", () => {
  before(async () => {
    wecni = await buildWecni();
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("is static and compiled once", async () => {
    assert.equal(await buildWecni(), wecni);
    const elf = readFileSync(wecni);
    const [at, size, count] = [Number(elf.readBigUInt64LE(32)), elf.readUInt16LE(54), elf.readUInt16LE(56)];
    const types = Array.from({ length: count }, (_, index) => elf.readUInt32LE(at + index * size));
    assert.ok(
      types.includes(1) && !types.includes(3),
      "it has segments to load, and none that names a loader (PT_INTERP)",
    );
  });

  it("hands the environment and stdin over, and the answer back", async () => {
    let got = Buffer.alloc(0);
    const server = await listen((socket) => {
      socket.on("data", (chunk: Buffer) => {
        got = Buffer.concat([got, chunk]);
        if (got.includes("conf-of-test")) socket.end(answer(0, '{"ok":true}'));
      });
    });
    const outcome = await call({ CNI_COMMAND: "ADD", CNI_CONTAINERID: "c", CNI_ARGS: "" }, "conf-of-test");
    server.close();
    assert.deepEqual(outcome, { status: 0, text: '{"ok":true}' });
    assert.equal(got.toString("latin1", 0, 4), "WCN1");
    assert.equal(got.toString("latin1", 8, 11), "ADD");
    assert.equal(got.readUInt32LE(16), 0xffffffff, "an unset variable is told from an empty one");
  });

  it("answers by itself while the agent is away", async () => {
    rmSync(socketPath, { force: true });
    assert.equal(code(await call({ CNI_COMMAND: "ADD" })), 11);
    assert.equal(code(await call({ CNI_COMMAND: "CHECK" })), 11);
    assert.equal(code(await call({ CNI_COMMAND: "GC" })), 11);
    assert.equal(code(await call({ CNI_COMMAND: "STATUS" })), 50);
    assert.match((await call({ CNI_COMMAND: "VERSION" }, null)).text, /supportedVersions/);
    assert.deepEqual(await call({ CNI_COMMAND: "DEL", CNI_CONTAINERID: "gone" }), { status: 0, text: "" });
    const [name = ""] = readdirSync(tombstones);
    assert.match(name, /^\d+\.\d{9}-\d+\.del$/);
    assert.match(readFileSync(join(tombstones, name), "latin1"), /^WCN1.*DEL.*gone/s);
  });

  it("makes DEL fail when the tombstone can't be kept", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    assert.equal(code(await call({ CNI_COMMAND: "DEL", WECNI_TOMBSTONES: join(file, "below") })), 11);
  });

  for (const [what, respond] of [
    ["hangs up at once", (socket: Socket) => socket.destroy()],
    ["hangs up in the head", (socket: Socket) => socket.end(Buffer.from([0, 0]))],
    ["hangs up in the answer", (socket: Socket) => socket.end(answer(0, "whole").subarray(0, 10))],
    ["promises four gigabytes", (socket: Socket) => socket.end(Buffer.from([0, 0, 0, 0, 255, 255, 255, 255]))],
  ] as const) {
    it(`takes an agent that ${what} for one that is away`, async () => {
      const server = await listen((socket) => socket.once("data", () => respond(socket)));
      const outcome = await call({ CNI_COMMAND: "ADD" });
      server.close();
      assert.equal(outcome.status, 1);
      assert.equal(code(outcome), 11);
    });
  }

  it("refuses what is missing or too long with the spec's codes", async () => {
    assert.equal(code(await call({})), 4);
    assert.equal(code(await call({ CNI_COMMAND: "" })), 4);
    assert.equal(code(await call({ CNI_COMMAND: "ADD", CNI_ARGS: "x".repeat(70_000) })), 4);
    assert.equal(code(await call({ CNI_COMMAND: "ADD" }, Buffer.alloc(1024 * 1024 + 1, 32))), 6);
  });

  it("neither crashes nor hangs on any input (300 seeded rounds)", async () => {
    const server = await listen((socket) => socket.once("data", () => socket.end(answer(1, "{}"))));
    let state = 7;
    const random = (below: number) => {
      state = (state * 1103515245 + 12345) % 2147483648;
      return state % below;
    };
    for (let round = 0; round < 300; round += 1) {
      const env: Record<string, string> = {};
      for (const name of ["CNI_COMMAND", "CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_ARGS", "CNI_PATH"]) {
        if (random(3) > 0) {
          env[name] = String.fromCharCode(...Array.from({ length: random(60) }, () => 1 + random(255)));
        }
      }
      const input = random(4) === 0 ? null : Buffer.from(Array.from({ length: random(3000) }, () => random(256)));
      const { status } = await call(env, input);
      assert.ok(status === 0 || status === 1, `round ${round} ended with ${status}`);
    }
    server.close();
  });
});
