import { request } from "node:http";

type Status = {
  node: string;
  startedAt: string;
  synced: boolean;
  podsKnown: number;
  journal: { bytes: number; failure: string | null; damagedLines: number };
  dynamic: { area: string | null; total: number; free: number; problem: string | null };
  reports: {
    lastAt: string | null;
    failure: string | null;
    refusals: { ip: string; code: string; detail: string }[];
  } | null;
  residentBytes: number;
  conflicts: { ip: string; mac: string; at: string }[];
  calls: { verb: string; code: number; count: number }[];
  attachments: {
    key: string;
    phase: string;
    pod: { namespace: string; name: string } | null;
    instance: string | null;
    nics: { name: string; area: string; ip: string; mac: string }[];
  }[];
};

/** What a running agent answers on its admin socket. */
export function readAdmin(socketPath: string, path: "/status" | "/metrics"): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path, timeout: 5_000 }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const body = Buffer.concat(chunks).toString();
        if (response.statusCode === 200) resolve(body);
        else reject(new Error(`the agent answered ${response.statusCode}: ${body.trim()}`));
      });
    });
    call.on("timeout", () => call.destroy(new Error("the agent does not answer within 5 s")));
    call.on("error", (error) => reject(new Error(`no agent on ${socketPath}: ${error.message}`, { cause: error })));
    call.end();
  });
}

/** What a running agent says of itself: as JSON, or as lines for a person. */
export async function readStatus(socketPath: string, asJson: boolean): Promise<string> {
  const body = await readAdmin(socketPath, "/status");
  if (asJson) return body;
  const status = JSON.parse(body) as Status;
  const { journal, dynamic, reports } = status;
  const lines = [
    `node         ${status.node}, since ${status.startedAt}`,
    `cluster      ${status.synced ? "in sync" : "does not answer; going on with the copy on disk"}, ${status.podsKnown} pods known`,
    `journal      ${journal.failure ?? "ok"}, ${journal.bytes} bytes${journal.damagedLines > 0 ? `, ${journal.damagedLines} damaged lines` : ""}`,
    `dynamic      ${dynamic.problem ?? `${dynamic.free} of ${dynamic.total} addresses of ${dynamic.area} free`}`,
    `server       ${reports === null ? "none is configured: this host reports to nobody" : (reports.failure ?? `last report taken at ${reports.lastAt ?? "no time yet"}`)}`,
    ...(reports?.refusals ?? []).map(({ code, detail }) => `refused      ${code}: ${detail}`),
    `memory       ${Math.round(status.residentBytes / 1048576)} MiB`,
    `calls        ${status.calls.map(({ verb, code, count }) => `${verb}${code === 0 ? "" : ` code ${code}`} ${count}`).join(", ") || "none"}`,
    ...status.conflicts.map(({ ip, mac, at }) => `conflict     ${ip} is answered for by ${mac} (${at})`),
    `attachments  ${status.attachments.length}`,
  ];
  for (const { key, phase, pod, instance, nics } of status.attachments) {
    const who = instance ?? (pod ? `${pod.namespace}/${pod.name}` : "no pod");
    const where = nics.map(({ name, area, ip }) => `${name} ${ip} (${area})`).join(", ");
    lines.push(`  ${key.slice(0, 12)}… ${phase} ${who}: ${where}`);
  }
  return `${lines.join("\n")}\n`;
}
