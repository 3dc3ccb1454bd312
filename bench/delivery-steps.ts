import { setTimeout as sleep } from "node:timers/promises";
import { createClient, ProblemError, type Client } from "@wcs/api";
import { accessOperations } from "@wcs/api/access";
import { clusterOperations } from "@wcs/api/cluster";
import { changeEstate } from "@wcs/api/estate";
import { releaseOperations } from "@wcs/api/release";
import { requestOperations } from "@wcs/api/request";
import { templateOperations } from "@wcs/api/template";
import { tokenOperations } from "@wcs/api/token";
import type { RealServer } from "./real-server.ts";

const [, createRequest, , approveRequest] = requestOperations;
const [, createRelease, getRelease, approveRelease, , startRelease] = releaseOperations;
const [, createTemplate] = templateOperations;
const [, createToken] = tokenOperations;
const [, getCluster, addCluster] = clusterOperations;

/** Two people of one business: one asks and starts, the other approves. */
export type TwoPeople = Readonly<{ asker: Client; approver: Client }>;

export type BenchBank = Readonly<{
  server: RealServer;
  documents: readonly object[];
  business: string;
  people: readonly [string, string];
  /** Their kubeconfigs by name. */
  clusters: ReadonlyMap<string, string>;
}>;

/** Tells the server of a bank: its estate, its people's rights, its clusters; and waits until every cluster is whole. */
export async function tellBank({ server, documents, business, people, clusters }: BenchBank): Promise<TwoPeople> {
  const admin = createClient({ baseUrl: server.url, token: server.token });
  await admin.call(changeEstate, { ticket: "BENCH-0", body: { documents: [...documents] } });
  const rules = [{ effect: "allow" as const, verbs: ["*"], resources: ["*"] }];
  await admin.call(accessOperations.Role.create, { body: { name: "everything", spec: { rules } } });
  const subjects = people.map((name) => ({ kind: "Person" as const, name }));
  const spec = { role: "everything", subjects, businesses: [business] };
  await admin.call(accessOperations.RoleBinding.create, { body: { name: "everything-there", spec } });
  for (const [name, kubeconfig] of clusters) {
    await admin.call(addCluster, { ticket: "BENCH-0", body: { name, kubeconfig } });
  }
  for (const name of clusters.keys()) {
    await until(`${name} to be whole`, 120_000, async () => {
      const { health, baseline, nodes } = (await admin.call(getCluster, { params: { name } })).body;
      return health.ready === true && baseline.checkedAt !== null && nodes.ready > 0;
    });
  }
  const clientOf = async (name: string): Promise<Client> => {
    const body = { subject: { kind: "Person" as const, name }, lifetimeHours: 1 };
    return createClient({ baseUrl: server.url, token: (await admin.call(createToken, { body })).body.text });
  };
  return { asker: await clientOf(people[0]), approver: await clientOf(people[1]) };
}

/** What a subsystem's instances are made of: the lab's small application, as the demo has it. */
export const demoSpec = {
  image: "registry.lab.wcs/demo",
  user: { uid: 1000, gid: 1000 },
  ports: [{ name: "http", port: 8080 }],
  probes: { readiness: { http: { path: "/ready", port: 8080 }, periodSeconds: 1 } },
  gracefulStop: { seconds: 10 },
};

/** Makes the first template of a subsystem. */
export async function makeTemplate({ asker }: TwoPeople, subsystem: string): Promise<void> {
  await asker.call(createTemplate, { body: { subsystem, spec: demoSpec } });
}

export type Ask = Readonly<{
  subsystem: string;
  class: string;
  counts: Readonly<Record<string, number>>;
  ticket: string;
}>;

/** Asks for instances as soon as there is room for them; returns what approves it. */
export async function askForInstances(
  { asker, approver }: TwoPeople,
  { ticket, ...ask }: Ask,
): Promise<() => Promise<void>> {
  const request = await until("room for the instances", 120_000, async () => {
    try {
      return (
        await asker.call(createRequest, {
          ticket,
          body: { ...ask, counts: { ...ask.counts } },
        })
      ).body;
    } catch (error) {
      // Until the hosts are heard of and the ledger has the subnets.
      if (error instanceof ProblemError && error.problem.code === "request.impossible") return false;
      throw error;
    }
  });
  return async () => {
    await approver.call(approveRequest, { params: { id: request.id }, body: { planHash: request.planHash } });
  };
}

export type AskForRelease = Readonly<{ subsystem: string; imageDigest: string; batch: number; ticket: string }>;

/** Asks for a release and has it approved; returns what starts it, and its id. */
export async function approvedRelease({ asker, approver }: TwoPeople, ask: AskForRelease) {
  const { id, planHash } = (
    await asker.call(createRelease, {
      ticket: ask.ticket,
      body: {
        subsystem: ask.subsystem,
        environment: "production",
        template: 1,
        imageDigest: ask.imageDigest,
        gates: { soakSeconds: 0 },
        strategy: { canary: null, batch: { instances: ask.batch }, dcnSharePercent: 100, pauseAfter: "none" },
        rollbackTo: "previous",
        verification: "its figures",
      },
    })
  ).body;
  await approver.call(approveRelease, { params: { id }, body: { planHash } });
  return { id, start: () => asker.call(startRelease, { params: { id }, body: {} }) };
}

/** Waits until a release is done; throws when it fails. */
export async function untilDone({ asker }: TwoPeople, id: string, timeoutMs: number): Promise<void> {
  await until(`${id} to be done`, timeoutMs, async () => {
    const release = (await asker.call(getRelease, { params: { id } })).body;
    if (["failed", "aborted"].includes(release.state)) throw new Error(`${id} is ${release.state}: ${release.reason}`);
    if (release.state !== "done") return false;
    tellBatches(release.targets);
    return true;
  });
}

/** For who looks for where the time went: when each batch was changed first, and had passed whole, in seconds from the first change. */
function tellBatches(
  targets: readonly Readonly<{ batch: number; changedAt: string | null; passedAt: string | null }>[],
): void {
  const at = (text: string | null) => Date.parse(text ?? "");
  const firstMs = Math.min(...targets.map(({ changedAt }) => at(changedAt)));
  for (const [batch, those] of Map.groupBy(targets, (target) => target.batch)) {
    const changed = Math.min(...those.map(({ changedAt }) => at(changedAt))) - firstMs;
    const passed = Math.max(...those.map(({ passedAt }) => at(passedAt))) - firstMs;
    console.error(`batch ${batch}: changed ${changed / 1000} s, passed ${passed / 1000} s`);
  }
}

/** Looks every 50 ms until there is something to see. @throws when there is nothing within `timeoutMs` */
export async function until<T>(what: string, timeoutMs: number, look: () => Promise<T | false>): Promise<T> {
  for (const endMs = performance.now() + timeoutMs; ;) {
    const seen = await look();
    if (seen !== false) return seen;
    if (performance.now() > endMs) throw new Error(`not within ${timeoutMs / 1000} s: ${what}`);
    await sleep(50);
  }
}
