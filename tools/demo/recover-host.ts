import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { hostDir } from "@wcs/lab";
import { demoTokenFile, demoUrl } from "./server.ts";
import { bin, environmentOf, outputOf, show, text } from "./show.ts";

type Recovery = Readonly<{ id: string; ticket: string | null; state: string; host: string; reason: string }>;
type Instance = Readonly<{ name: string; host: string; rack: string; state: string; nics: readonly { ip: string }[] }>;

/** Hosts that reach this machine: those of the core area. */
const coreHosts = ["idc1-h1", "idc1-h2", "idc1-h3", "idc1-h4", "idc2-h1", "idc2-h2"];

async function api(method: "GET" | "POST", path: string, body?: object): Promise<Response> {
  const authorization = `Bearer ${readFileSync(demoTokenFile, "utf8").trim()}`;
  return fetch(`${demoUrl}/api/v1/${path}`, {
    method,
    headers: { authorization, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
}

async function isLinked(host: string): Promise<boolean> {
  const answer = await api("GET", `agents/${host}`);
  return answer.ok && ((await answer.json()) as { links: readonly unknown[] }).links.length > 0;
}

/** Every host's agent joins by a token of its own, once, and is linked to the server from then on by mutual TLS. */
export async function linkAgents(): Promise<void> {
  for (const host of coreHosts) {
    if (await isLinked(host)) continue;
    const made = await api("POST", `agents/${host}/join-token`, { lifetimeMinutes: 10 });
    if (!made.ok) throw new Error(`no token for the agent of ${host}: ${await made.text()}`);
    writeFileSync(`${hostDir(host)}/wcs-join-token`, `${((await made.json()) as { text: string }).text}\n`, {
      mode: 0o600,
    });
    for (let waitedMs = 0; !(await isLinked(host)); waitedMs += 200) {
      if (waitedMs > 30_000) throw new Error(`the agent of ${host} is not linked after 30 s`);
      await sleep(200);
    }
    console.log(text(`    ${host}: joined and linked`, `    ${host}：已加入并建立连接`));
  }
}

const listOf = (kind: string): unknown => JSON.parse(outputOf("wcs", ["get", kind, "-o", "json"], "zhang-wei"));
const instances = () => (listOf("instances") as { items: readonly Instance[] }).items;
const recoveryOf = (ticket: string) =>
  (listOf("recoveries") as { items: readonly Recovery[] }).items.find((item) => item.ticket === ticket) ?? null;

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let waitedMs = 0; !holds(); waitedMs += 1000) {
    if (waitedMs > 120_000) throw new Error(`not after two minutes: ${what}`);
    await sleep(1000);
  }
}

/** A host is switched off and its instance recovered within the rack, with its IP; then the host comes back and is fenced. */
export async function recoverHost(ticket: string): Promise<void> {
  const started = performance.now();
  const seconds = () => ((performance.now() - started) / 1000).toFixed(0);
  if (recoveryOf(ticket) === null) {
    const victim = instances().find(({ rack }) => rack === "idc1-r1");
    if (victim === undefined) throw new Error("no instance is in rack idc1-r1");
    await show(["wcs-lab", "fault", "kill-host", victim.host]);
    const onHost = () => instances().filter(({ host }) => host === victim.host);
    await until(`${victim.host} is lost`, () => onHost().every(({ state }) => state === "lost"));
    console.log(
      text(
        `    lost, seen after ${seconds()} s; nothing moves by itself:`,
        `    ${seconds()} 秒后判定失联；不会自动迁移：`,
      ),
    );
    await show(["wcs", "get", "instances"], { person: "zhang-wei" });
    const why = ["--ticket", ticket, "--reason", "power supply dead", "--yes"];
    await show(["wcs", "recover", "host", victim.host, ...why], { person: "zhang-wei", exits: [8] });
  }
  const made = recoveryOf(ticket);
  if (made === null) throw new Error(`ticket ${ticket} brought no recovery`);
  if (made.state === "awaiting-approval") {
    await show(["wcs", "approve", "recovery", made.id, "--yes"], { person: "li-na", exits: [0] });
  }
  await until(`${made.id} is done`, () => !["running", "awaiting-approval"].includes(recoveryOf(ticket)?.state ?? ""));
  await show(["wcs", "recover", "show", made.id], { person: "zhang-wei" });
  const state = recoveryOf(ticket)?.state;
  if (state !== "done") throw new Error(`${made.id} is ${state}: wcs recover show ${made.id}`);
  await show(["wcs", "get", "instances"], { person: "zhang-wei" });
  console.log(
    text("    The host comes back, and may have none of it:", "    宿主机恢复供电，但不得再占用已迁走的实例："),
  );
  const { faults } = JSON.parse(outputOf("wcs-lab", ["status", "-o", "json"])) as { faults: readonly string[] };
  if (faults.includes(`kill-host ${made.host}`)) await show(["wcs-lab", "fault", "heal", made.host]);
  if (recoveryOf(ticket)?.reason.includes("takes part again") === true) return;
  const words = ["recover", "return", made.id, "--reason", "power supply replaced", "--yes"];
  await until(`${made.host} takes part again`, () => {
    const tried = spawnSync(join(bin, "wcs"), [...words, "--dry-run"], {
      env: environmentOf("li-na"),
      encoding: "utf8",
    });
    return tried.status === 0;
  });
  await show(["wcs", ...words], { person: "li-na" });
}
