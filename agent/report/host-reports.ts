import type { ReportAnswer, ReportedHost } from "@wcs/api/ipam";
import { parseDynamicBlockGrant } from "@wcs/core/ipam";
import { ipOf, type Attachment } from "../attachment.ts";
import type { Journal } from "../journal/journal.ts";
import type { HostNetwork } from "../plumbing/host-network.ts";
import type { HostView } from "../view/host-view.ts";
import { buildReport } from "./build-report.ts";
import { startReporter, type Reporter, type ReportTiming, type SendReport } from "./reporter.ts";

/** An address that the ledger says another has. */
export type ReportRefusal = ReportAnswer["refusals"][number];

export type HostReports = Reporter &
  Readonly<{
    /** Somebody else answered for an address. */
    saw: (conflict: Readonly<{ ip: string; mac: string }>) => void;
    /** What the ledger refused of the last report that it took. */
    refusals: () => readonly ReportRefusal[];
  }>;

/** The most that one report carries (api/ipam); a host has some hundred pods at most. */
const most = 2_000;

/**
 * What takes a pod off the network. Both say that the ledger knows a later pod of the instance. Anything else (an address that it does not
 * know, or knows as another's) may as well be a ledger that was brought back from an old copy: people are told, and nothing is cut.
 */
const endedBy: ReadonlySet<string> = new Set(["stale-generation", "superseded-pod"]);

/** Reports this host to the server's ledger, and ends what the ledger says an old pod has. */
export function startHostReports(
  options: Readonly<{
    node: string;
    journal: Journal;
    host: HostNetwork;
    view: HostView;
    send: SendReport;
    endAttachment: (key: string, expected: Attachment) => Promise<boolean>;
    onEnded: (code: string) => void;
    timing?: ReportTiming;
    log: (line: string) => void;
  }>,
): HostReports {
  const { node, journal, host, view, log } = options;
  /** Told once each, by the report after they were seen; a report that is not taken is made again with them. */
  const conflicts = new Map<string, string>();
  let refusals: readonly ReportRefusal[] = [];

  async function next(): Promise<ReportedHost> {
    const sequence = await journal.nextSequence();
    // The grant before what is held: an address of an old block that is held by now is in the list.
    const grant = grantGeneration();
    const links = await host.netlink.listLinks(host.namespace);
    const addresses = buildReport(journal.entries.values(), links);
    if (addresses.length > most) {
      throw new Error(`${addresses.length} addresses are more than a report takes (${most})`);
    }
    const seen = [...conflicts].slice(0, most).map(([ip, mac]) => ({ ip, mac }));
    return { sequence, grantGeneration: grant, addresses: [...addresses], conflicts: seen };
  }

  function grantGeneration(): number | null {
    const text = view.grant();
    const parsed = text === null ? null : parseDynamicBlockGrant(text, node);
    return parsed?.ok === true ? parsed.value.generation : null;
  }

  async function onAnswer(answer: ReportAnswer, report: ReportedHost): Promise<void> {
    for (const { ip, mac } of report.conflicts) if (conflicts.get(ip) === mac) conflicts.delete(ip);
    const told = new Set(refusals.map(refusalKey));
    refusals = answer.refusals;
    for (const refusal of answer.refusals) {
      if (!told.has(refusalKey(refusal))) {
        log(`reports: the ledger refuses ${refusal.ip} (${refusal.code}): ${refusal.detail}`);
      }
      if (endedBy.has(refusal.code)) await endOld(refusal);
    }
  }

  async function endOld({ ip, podUid, code }: ReportRefusal): Promise<void> {
    const key = journal.ownerOf(ip);
    const entry = key === undefined ? undefined : journal.entries.get(key);
    // Another pod may have taken it over since the report.
    if (key === undefined || entry?.attachment.pod?.uid !== podUid || entry.attachment.instance === null) return;
    if (await options.endAttachment(key, entry.attachment)) {
      options.onEnded(code);
      log(`reports: ${key} is an old pod's: taken off the network (${entry.attachment.nics.map(ipOf).join(", ")})`);
    }
  }

  const reporter = startReporter({
    next,
    send: options.send,
    onAnswer,
    onBehind: (sequence) => journal.append({ op: "sequence", sequence }),
    log,
    ...(options.timing === undefined ? {} : { timing: options.timing }),
  });
  return {
    ...reporter,
    saw: ({ ip, mac }) => {
      if (conflicts.size < most || conflicts.has(ip)) conflicts.set(ip, mac);
      reporter.changed();
    },
    refusals: () => refusals,
  };
}

function refusalKey({ ip, podUid, code }: ReportRefusal): string {
  return `${ip} ${podUid} ${code}`;
}
