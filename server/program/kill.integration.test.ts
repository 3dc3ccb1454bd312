import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient, ProblemError, type Client } from "@wcs/api";
import { accessOperations } from "@wcs/api/access";
import { auditOperations } from "@wcs/api/audit";
import { readEvents, watchOperations } from "@wcs/api/watch";

// How often the server, or now and then PostgreSQL with it, is killed; the long form: WCS_KILL_ROUNDS=100.
const rounds = Number(process.env["WCS_KILL_ROUNDS"] ?? 4);
const writers = 6;
const { Group } = accessOperations;
const [listAudit, verify] = auditOperations;

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

describe("kill -9 under write load", () => {
  const folder = mkdtempSync(join(tmpdir(), "wcs-kill-"));
  const children: ChildProcess[] = [];
  let token = "";

  after(async () => {
    for (const child of children) child.kill("SIGTERM");
    const late = setTimeout(() => children.forEach((child) => child.kill("SIGKILL")), 30_000);
    await Promise.all(children.map(async (child) => child.exitCode ?? child.signalCode ?? (await once(child, "exit"))));
    clearTimeout(late);
    // The last server stops the database; one that had to be killed leaves it behind.
    const left = postmaster();
    if (left !== null) process.kill(left, "SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  const postmaster = (): number | null => {
    const file = join(folder, "postgres/data/postmaster.pid");
    return existsSync(file) ? Number(readFileSync(file, "utf8").split("\n")[0]) : null;
  };

  /** A real server process with the embedded, durable PostgreSQL. */
  async function start(port: number): Promise<ChildProcess> {
    const child = spawn(process.execPath, [join(import.meta.dirname, "main.ts")], {
      env: {
        PATH: process.env["PATH"],
        WCS_LISTEN: `127.0.0.1:${port}`,
        WCS_STATE_DIR: folder,
        WCS_LOG_LEVEL: "silent",
        WCS_REQUESTS_PER_MINUTE: "1000000",
        WCS_AUDIT_CHECKPOINT_MS: "200",
      },
      stdio: ["ignore", "ignore", "pipe"],
    });
    children.push(child);
    let said = "";
    child.stderr?.on("data", (part: Buffer) => {
      said += part.toString();
      token = /wcs_[0-9a-f]{20}_[A-Za-z0-9_-]{43}/.exec(said)?.[0] ?? token;
    });
    child.once("exit", (code, signal) => {
      if (signal === null && code !== 0) console.error(`a server ended with ${code}: ${said}`);
    });
    for (let waitedMs = 0; !said.includes("WCS listens on"); waitedMs += 20) {
      assert.ok(waitedMs < 60_000 && child.exitCode === null, `the server did not start: ${said}`);
      await sleep(20);
    }
    return child;
  }

  it("loses no acknowledged write, doubles none, and keeps the audit and the watch whole", async (context) => {
    const ports = [await freePort(), await freePort()];
    const servers = [await start(ports[0] ?? 0), await start(ports[1] ?? 0)];
    const clients = ports.map((port): Client =>
      createClient({ baseUrl: `http://127.0.0.1:${port}`, token, timeoutMs: 5000 }),
    );
    const clientOf = (at: number): Client => clients[at % clients.length] ?? assert.fail();

    const stop = new AbortController();
    const watched: string[] = [];
    const begun = Promise.withResolvers<void>();
    const watching = follow(clients, { watched, begun: begun.resolve, signal: stop.signal });
    await begun.promise;

    const acknowledged = new Set<string>();
    const done = new AbortController();
    const given = new AbortController();
    const write = async (writer: number): Promise<void> => {
      for (let index = 0; !done.signal.aborted; index += 1) {
        const name = `w${writer}-${index}`;
        // The same key until there is an answer, at whichever server lives; nobody lives after a failure of the test.
        for (let attempt = writer; !given.signal.aborted; attempt += 1) {
          try {
            const input = { query: {}, body: { name, spec: { members: [] } }, idempotencyKey: `key-${name}` };
            await clientOf(attempt).call(Group.create, input);
            acknowledged.add(name);
            break;
          } catch (error) {
            const isAnswer = error instanceof ProblemError && error.problem.status < 500;
            assert.ok(!isAnswer, `${name}: ${error instanceof ProblemError ? JSON.stringify(error.problem) : ""}`);
            await sleep(20);
          }
        }
      }
    };
    context.after(() => {
      done.abort();
      given.abort();
      stop.abort();
    });
    const writing = Array.from({ length: writers }, (_, writer) => write(writer));
    for (let round = 0; round < rounds; round += 1) {
      await sleep(600 + ((round * 137) % 400));
      const victim = round % 2;
      if (round % 4 === 3) {
        const pid = postmaster();
        assert.ok(pid !== null, "PostgreSQL does not run");
        process.kill(pid, "SIGKILL");
      }
      servers[victim]?.kill("SIGKILL");
      servers[victim] = await start(ports[victim] ?? 0);
    }
    await sleep(300);
    done.abort();
    await Promise.all(writing);
    assert.ok(acknowledged.size > rounds * 10, `only ${acknowledged.size} writes`);

    const names: string[] = [];
    for (let cursor: string | undefined; ;) {
      const query = { limit: 500, ...(cursor === undefined ? {} : { cursor }) };
      const { body } = await clientOf(0).call(Group.list, { query });
      names.push(...body.items.map(({ name }) => name));
      if (body.next === null) break;
      cursor = body.next;
    }
    assert.deepEqual(new Set(names), acknowledged);
    const audited: string[] = [];
    for (let cursor: string | undefined; ;) {
      const query = { limit: 500, kind: "Group", act: "groups.create", ...(cursor === undefined ? {} : { cursor }) };
      const { body } = await clientOf(0).call(listAudit, { query });
      audited.push(...body.items.map(({ resource }) => resource.name));
      if (body.next === null) break;
      cursor = body.next;
    }
    assert.equal(audited.length, acknowledged.size, "one audit entry each");
    assert.deepEqual(new Set(audited), acknowledged);
    const { body } = await clientOf(0).call(verify, {});
    assert.deepEqual(body.faults, []);
    for (let waitedMs = 0; watched.length < acknowledged.size && waitedMs < 10_000; waitedMs += 50) await sleep(50);
    stop.abort();
    await watching;
    assert.equal(watched.length, acknowledged.size, "each change was watched once");
    assert.deepEqual(new Set(watched), acknowledged);
    console.log(`${acknowledged.size} writes acknowledged over ${rounds} kills`);
  });

  type Following = Readonly<{ watched: string[]; begun: () => void; signal: AbortSignal }>;

  /** Watches at one server after another, from the cursor of the last event. */
  async function follow(clients: readonly Client[], { watched, begun, signal }: Following): Promise<void> {
    let cursor: string | undefined;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      try {
        const client = clients[attempt % clients.length] ?? assert.fail();
        const slow = createStream(client, cursor, signal);
        for await (const event of readEvents(await slow)) {
          cursor = event.id;
          begun();
          if (event.type === "created") watched.push((JSON.parse(event.data) as { name: string }).name);
        }
      } catch (error) {
        if (error instanceof ProblemError) assert.ok(error.problem.status >= 500, JSON.stringify(error.problem));
      }
      await sleep(30);
    }
  }

  function createStream(client: Client, cursor: string | undefined, signal: AbortSignal): Promise<Response> {
    const query = { kinds: "Group", ...(cursor === undefined ? {} : { cursor }) };
    return client.open(watchOperations[0], { query, signal });
  }
});
