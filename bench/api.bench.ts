// The API at the size of a large bank, at 200 requests a second: `npm run bench -- api [--seconds N] [--json]`. Client, server and database share
// the machine; what else runs on it is told beside the figures: the load average, how late the client itself was, and the CPU time of a request.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient, type Client as ApiClient, type OperationBody } from "@wcs/api";
import { auditOperations } from "@wcs/api/audit";
import { estateOperations } from "@wcs/api/estate";
import { instanceOperations } from "@wcs/api/instance";
import { Client } from "pg";
import { apiBank, fillEstate } from "./api-estate.ts";
import { createFigurePrinter, percentile } from "./figure.ts";
import { startRealServer } from "./real-server.ts";

const args = process.argv.slice(2);
const at = args.indexOf("--seconds");
const seconds = at < 0 ? 20 : Number(args[at + 1]);
const requestsPerSecond = 200;
const print = createFigurePrinter(args);
const promised = "promised";
const state = mkdtempSync(join(tmpdir(), "wcs-bench-"));

type Load = Readonly<{ times: number[]; lateMs: number[] }>;

/**
 * Sends at a fixed rate whatever the answers do, so that a slow answer can't hide the wait of those behind it. `lateMs`: by how much the client
 * itself, on a busy machine, was late in sending; the times have that in them.
 */
async function load(send: (index: number) => Promise<void>): Promise<Load> {
  const times: number[] = [];
  const lateMs: number[] = [];
  const pending: Promise<void>[] = [];
  const begun = performance.now();
  const count = seconds * requestsPerSecond;
  for (let index = 0; index < count; index += 1) {
    const due = begun + (index * 1000) / requestsPerSecond;
    const waitMs = due - performance.now();
    if (waitMs > 1) await sleep(waitMs - 0.5);
    const sent = performance.now();
    lateMs.push(Math.max(0, sent - due));
    const from = Math.min(due, sent);
    pending.push(send(index).then(() => void times.push(performance.now() - from)));
  }
  await Promise.all(pending);
  return { times, lateMs };
}

type HostBody = OperationBody<(typeof estateOperations)["Host"]["replace"]>;

const pick = (most: number, index: number): number => ((index * 7919) % most) + 1;

async function measure(name: string, promisedMs: number, send: (index: number) => Promise<void>): Promise<void> {
  for (let index = 0; index < 200; index += 1) await send(index);
  const before = server.processorSeconds();
  const { times, lateMs } = await load(send);
  const perRequestMs = ((server.processorSeconds() - before) * 1000) / times.length;
  print({ name: `api: ${name}, p50`, value: percentile(times, 0.5), unit: "ms" });
  print({
    name: `api: ${name}, p99`,
    value: percentile(times, 0.99),
    unit: "ms",
    baseline: promisedMs,
    baselineIs: promised,
  });
  print({ name: `api: ${name}, the server's CPU time`, value: perRequestMs, unit: "ms" });
  print({ name: `api: ${name}, the client was late, p99`, value: percentile(lateMs, 0.99), unit: "ms" });
  print({ name: `api: ${name}, load average of the last minute`, value: loadavg()[0] ?? 0, unit: "" });
}

async function walBytes(owner: Client, work: () => Promise<void>): Promise<number> {
  const place = async (): Promise<string> =>
    (await owner.query<{ lsn: string }>("SELECT pg_current_wal_insert_lsn() AS lsn")).rows[0]?.lsn ?? "0/0";
  const before = await place();
  await work();
  const { rows } = await owner.query<{ bytes: string }>("SELECT pg_wal_lsn_diff($1, $2) AS bytes", [
    await place(),
    before,
  ]);
  return Number(rows[0]?.bytes);
}

/** What the audit adds to an act: bytes of write-ahead log, and how many acts a second the chains let through. */
async function measureAudit(owner: Client, access: object): Promise<void> {
  const { rows } = await owner.query<{ entry: string }>("SELECT entry FROM audit_entries ORDER BY at DESC LIMIT 1");
  const entry = rows[0]?.entry ?? "{}";
  const bytes = await walBytes(owner, async () => {
    for (let index = 0; index < 500; index += 1) await owner.query("SELECT append_audit(8, $1, $2)", [index, [entry]]);
  });
  print({ name: "api: audit, write-ahead log of one entry", value: bytes / 500, unit: "bytes" });
  print({ name: "api: audit, the entry itself", value: Buffer.byteLength(entry), unit: "bytes" });
  const clients = await Promise.all(
    Array.from({ length: 16 }, async () => {
      const client = new Client(access);
      await client.connect();
      return client;
    }),
  );
  const rateWith = async (chains: number): Promise<number> => {
    const until = performance.now() + 4000;
    let count = 0;
    const work = async (client: Client, seat: number): Promise<void> => {
      for (let index = seat; performance.now() < until; index += 1) {
        await client.query("SELECT append_audit($1, $2, $3)", [chains, index % chains, [entry]]);
        count += 1;
      }
    };
    await Promise.all(clients.map(work));
    return count / 4;
  };
  const one = await rateWith(1);
  print({ name: "api: audited commits of 16 writers, one chain", value: one, unit: "per s" });
  print({
    name: "api: audited commits of 16 writers, 8 chains",
    value: await rateWith(8),
    unit: "per s",
    baseline: one,
    baselineIs: "one chain",
  });
  await Promise.all(clients.map((client) => client.end()));
}

let server = await startRealServer(state);
const { token } = server;
try {
  const { owner: password } = JSON.parse(readFileSync(join(state, "keys/database.json"), "utf8")) as { owner: string };
  const access = {
    host: join(state, "postgres"),
    user: "wcs_owner",
    password,
    database: "wcs",
    options: "-c search_path=wcs",
  };
  const owner = new Client(access);
  await owner.connect();
  console.error(`filling ${apiBank.hosts} hosts and ${apiBank.instances} instances`);
  await fillEstate(owner);
  await server.stop();
  server = await startRealServer(state, token);
  const api: ApiClient = createClient({ baseUrl: server.url, token });
  const { Host } = estateOperations;
  const [listInstances, getInstance] = instanceOperations;

  await measure("one read", 5, async (index) => {
    await api.call(getInstance, { params: { name: `i${pick(apiBank.instances, index)}` } });
  });
  await measure("a filtered page of 100", 20, async (index) => {
    const dcn = `${String(pick(apiBank.dcns, index)).padStart(2, "0")}1`;
    await api.call(listInstances, { query: { limit: 100, dcn } });
  });
  const bodies = new Map<number, HostBody>();
  for (let index = 0; index < 2000; index += 1) {
    const { body } = await api.call(Host.get, { params: { name: `h${index + 1}` } });
    const { version: _, ...document } = body;
    bodies.set(index, document);
  }
  let round = 0;
  const bytes = await walBytes(owner, () =>
    measure("a write with audit", 15, async (index) => {
      round += 1;
      const host = index % bodies.size;
      const body = { ...bodies.get(host), labels: { round: String(round) } } as HostBody;
      const params = { name: `h${host + 1}` };
      await api.call(Host.replace, { params, query: {}, body, idempotencyKey: crypto.randomUUID() });
    }),
  );
  print({ name: "api: write-ahead log of a write with audit", value: bytes / round, unit: "bytes" });
  print({
    name: "api: the server's memory after this",
    value: server.memoryMiB("VmRSS"),
    unit: "MiB",
    baseline: 400,
    baselineIs: promised,
  });
  print({ name: "api: the server's memory at its highest", value: server.memoryMiB("VmHWM"), unit: "MiB" });
  await measureAudit(owner, access);
  const started = performance.now();
  const { body } = await api.call(auditOperations[1], {});
  print({
    name: "api: audit verification",
    value: body.entries / ((performance.now() - started) / 1000),
    unit: "entries/s",
  });
  if (!body.ok) throw new Error(`the audit does not verify: ${JSON.stringify(body.faults.slice(0, 5))}`);
  await owner.end();
} finally {
  await server.stop();
  rmSync(state, { recursive: true, force: true });
}
