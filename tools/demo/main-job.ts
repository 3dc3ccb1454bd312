import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { bin, environmentOf, outputOf, show, text } from "./show.ts";

type Act = Readonly<{ id: string; ticket: string | null; state: string }>;

/** The request or release that a change ticket brought, or null. */
function actOf(kind: "requests" | "releases", ticket: string): Act | null {
  const list = outputOf("wcs", ["get", kind, "-o", "json"], "zhang-wei");
  const { items } = JSON.parse(list) as { items: readonly Act[] };
  return items.find((item) => item.ticket === ticket) ?? null;
}

function madeAct(kind: "requests" | "releases", ticket: string): Act {
  const made = actOf(kind, ticket);
  if (made === null) throw new Error(`ticket ${ticket} brought none of the ${kind}`);
  return made;
}

/** Waits until a release is in one of the states; throws when it fails first. */
async function untilRelease(id: string, states: readonly string[]): Promise<string> {
  for (let waitedMs = 0; waitedMs < 300_000; waitedMs += 1000) {
    const { state } = JSON.parse(outputOf("wcs", ["release", "show", id, "-o", "json"], "zhang-wei")) as {
      state: string;
    };
    if (states.includes(state)) return state;
    if (state === "failed" || state === "aborted") throw new Error(`release ${id} is ${state}: wcs release show ${id}`);
    await sleep(1000);
  }
  throw new Error(`release ${id} is none of ${states.join(", ")} after five minutes`);
}

/** The clusters' nodes and the ledger's subnets are known some seconds after the clusters are connected. */
async function untilPlaceable(): Promise<void> {
  const words = ["explain", "placement", "--subsystem", "1001", "--class", "1C2G", "1A1=3", "1A2=3"];
  for (let waitedMs = 0; ; waitedMs += 1000) {
    const result = spawnSync(join(bin, "wcs"), words, { env: environmentOf("zhang-wei"), encoding: "utf8" });
    if (result.status === 0) return;
    if (waitedMs > 60_000) {
      throw new Error(`no place for the instances after a minute:\n${result.stdout}${result.stderr}`);
    }
    await sleep(1000);
  }
}

/** Six instances in two DCNs: asked for by one person, approved by the other. What an earlier run did is not done twice. */
export async function requestInstances(ticket: string): Promise<void> {
  const words = ["--subsystem", "1001", "--class", "1C2G", "1A1=3", "1A2=3"] as const;
  if (actOf("requests", ticket) === null) {
    await untilPlaceable();
    await show(["wcs", "explain", "placement", ...words], { person: "zhang-wei" });
    await show(["wcs", "request", "instances", ...words, "--ticket", ticket, "--reason", "go live", "--yes"], {
      person: "zhang-wei",
      exits: [8],
    });
  }
  const { id, state } = madeAct("requests", ticket);
  if (state === "awaiting-approval") {
    console.log(text("    Who asked cannot approve:", "    申请人自己不能审批："));
    await show(["wcs", "approve", "request", id, "--yes"], { person: "zhang-wei", exits: [5] });
    await show(["wcs", "approve", "request", id, "--yes", "--reason", "checked"], { person: "li-na" });
  }
  await show(["wcs", "get", "instances"], { person: "zhang-wei" });
}

/**
 * One release from its plan to its end: asked for by one person, approved and continued after the canary by the other.
 * It goes on from where an earlier run left it.
 */
export async function release(version: string, ticket: string): Promise<void> {
  if (actOf("releases", ticket) === null) {
    const plan = ["--subsystem", "1001", "--environment", "production", "--template", "1", "--soak", "2"];
    const safety = ["--rollback-to", "previous", "--verification", "queries are answered", "--ticket", ticket];
    const image = ["--image-digest", await digestOf(version)];
    await show(["wcs", "release", "create", ...plan, ...image, ...safety, "--reason", `version ${version}`, "--yes"], {
      person: "zhang-wei",
      exits: [0, 8],
    });
  }
  const { id, state } = madeAct("releases", ticket);
  if (state === "awaiting-approval") {
    await show(["wcs", "approve", "release", id, "--yes"], { person: "li-na" });
  }
  if (state === "awaiting-approval" || state === "approved") {
    await show(["wcs", "release", "start", id], { person: "zhang-wei" });
  }
  if ((await untilRelease(id, ["paused", "done", "rolled-back"])) === "paused") {
    console.log(text("    The canary is well; a second person says go on:", "    金丝雀正常，由第二个人确认继续："));
    await show(["wcs", "release", "continue", id], { person: "li-na" });
    await untilRelease(id, ["done"]);
  }
  await show(["wcs", "get", "instances"], { person: "zhang-wei" });
  await showAnswer();
}

/** Takes a release back. */
export async function rollBack(ticket: string): Promise<void> {
  const { id, state } = madeAct("releases", ticket);
  if (state === "done") {
    await show(["wcs", "release", "roll-back", id, "--reason", "demo", "--yes"], { person: "zhang-wei" });
  }
  await untilRelease(id, ["rolled-back"]);
  await show(["wcs", "get", "instances"], { person: "zhang-wei" });
  await showAnswer();
}

/** Asks the first instance over HTTP, as another machine of the bank would. */
async function showAnswer(): Promise<void> {
  const list = outputOf("wcs", ["get", "instances", "-o", "json"], "zhang-wei");
  const { items } = JSON.parse(list) as { items: { nics: { ip: string }[] }[] };
  const url = `http://${items[0]?.nics[0]?.ip}:8080/`;
  const answer = await fetch(url, { signal: AbortSignal.timeout(5000) });
  console.log(`    GET ${url}\n    ${(await answer.text()).trim()}`);
}

/** The digest of a version of the demo application in the lab's registry. */
async function digestOf(version: string): Promise<string> {
  const accept = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
  const { registry } = JSON.parse(outputOf("wcs-lab", ["status", "-o", "json"])) as { registry: { address: string } };
  const url = `http://${registry.address}:5000/v2/demo/manifests/${version}`;
  const answer = await fetch(url, { method: "HEAD", headers: { accept }, signal: AbortSignal.timeout(5000) });
  const digest = answer.headers.get("docker-content-digest");
  if (digest === null) throw new Error(`${url} does not say its digest (${answer.status})`);
  return digest;
}
