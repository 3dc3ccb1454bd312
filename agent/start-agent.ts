import { constants, setPriority } from "node:os";
import { openNetlink } from "@wcs/netlink";
import { dirname, join } from "node:path";
import type { AgentConfig } from "./agent-config.ts";
import { attachmentKey, ipOf } from "./attachment.ts";
import type { Faults } from "./fault-points.ts";
import { openJournal } from "./journal/journal.ts";
import { createAnnouncer } from "./plumbing/announcer.ts";
import { startLink } from "./link/start-link.ts";
import { openHostNetwork } from "./plumbing/host-network.ts";
import { startHostReports, type HostReports } from "./report/host-reports.ts";
import type { ReportTiming, SendReport } from "./report/reporter.ts";
import { sendByLink } from "./report/send-by-link.ts";
import { createLogFolders } from "./log-folders.ts";
import { startAdminServer } from "./service/admin-server.ts";
import { answerCall } from "./service/answer-call.ts";
import { startCniServer } from "./service/cni-server.ts";
import { holdHostLock } from "./service/host-lock.ts";
import { createFenceKeeper, type FenceKeeper } from "./service/fence-keeper.ts";
import { createIsolationGuard } from "./service/isolation-guard.ts";
import { createLeakFinder, type LeakFinder } from "./service/leak-finder.ts";
import { recoveryHandlers } from "./service/link-handlers.ts";
import { createMetrics } from "./service/metrics.ts";
import { letGoOfProgram } from "./service/let-go-of-program.ts";
import { recover } from "./service/recover.ts";
import { startTombstoneReplay } from "./service/tombstones.ts";
import type { RawCall } from "./verbs/cni-call.ts";
import { grantAddresses, readGrant, type PlanOptions } from "./verbs/plan-nics.ts";
import { execSession } from "./session/exec-session.ts";
import { logsSession } from "./session/logs-session.ts";
import { openSessions } from "./session/open-sessions.ts";
import { createVerbs } from "./verbs/verbs.ts";
import { createDiskCopy, readDiskCopy } from "./view/disk-copy.ts";
import { startFileSource } from "./view/file-source.ts";
import { createHostView } from "./view/host-view.ts";
import { startKubeSource } from "./view/kube-source.ts";
import { formatIpv4Address } from "@wcs/core/ipv4";

export type Agent = Readonly<{ close: () => Promise<void> }>;

type StartOptions = Readonly<{
  config: AgentConfig;
  log: (line: string) => void;
  /** Brings reports to a server otherwise than by the link; with neither the host reports to nobody. */
  sendReport?: SendReport;
  reportTiming?: ReportTiming;
  faults?: Faults;
}>;

const noDynamic = { area: null, subnet: null, generation: null, total: 0, free: 0 } as const;
const agentVersion = "0.1.0";
const forwardingWaitMs = 5_000;
const copyEveryMs = 200;
const mostConflicts = 100;

/** Starts the agent in this process's network namespace: the host's. Everything that it talks to is made here. */
export async function startAgent(options: StartOptions): Promise<Agent> {
  const { config, log, faults = () => undefined } = options;
  const lock = await holdHostLock();
  // A pod that starts must not wait until the host's busy pods leave a processor free.
  setPriority(constants.priority.PRIORITY_ABOVE_NORMAL);
  const startedAt = new Date().toISOString();
  const journal = await openJournal(config.stateFolder);
  const netlink = openNetlink();
  const host = await openHostNetwork(netlink, config.bridges);
  const metrics = createMetrics();
  const conflicts: { ip: string; mac: string; at: string }[] = [];

  const copy = createDiskCopy({
    folder: config.stateFolder,
    content: () => content(),
    everyMs: copyEveryMs,
    onFailure: (error) => log(`the copy of the pods can't be written: ${String(error)}`),
  });
  let reports: HostReports | null = null;
  let fence: FenceKeeper | null = null;
  const lookAtFence = () => {
    fence?.look().catch((error: unknown) => log(`fence: ${String(error)}`));
  };
  const logFolders = createLogFolders({ root: config.logFolder, log });
  const { view, input, content } = createHostView(() => {
    copy.changed();
    logFolders.keep(view.pods());
    reports?.changed();
    lookAtFence();
  });
  const saved = await readDiskCopy(config.stateFolder);
  if (saved !== null) input.replace(saved);

  const announcer = createAnnouncer({
    netlink,
    onFailure: (key, error) => log(`${key}: could not be announced again: ${String(error)}`),
  });
  await recover({ journal, host, announcer, antiSpoofing: config.antiSpoofing, log });

  let leaks: LeakFinder | null = null;
  const plan: PlanOptions = {
    node: config.node,
    view,
    journal,
    bridgeOf: (area) => host.bridges.get(area)?.name,
    podWaitMs: config.podWaitMs,
    strayAddresses: () => leaks?.strayAddresses() ?? new Set(),
    refusal: (claim) => fence?.refusal(claim) ?? null,
    now: () => Date.now(),
  };
  const onConflict = ({ ip, mac }: Readonly<{ ip: string; mac: string }>) => {
    metrics.countConflict();
    reports?.saw({ ip, mac });
    conflicts.push({ ip, mac, at: new Date().toISOString() });
    if (conflicts.length > mostConflicts) conflicts.shift();
  };
  const verbs = createVerbs({
    plan,
    faults,
    log,
    plumbing: {
      host,
      announcer,
      faults,
      forwardingWaitMs,
      conflictProbe: config.conflictProbe,
      gatewayProbe: config.gatewayProbe,
      extraRoutes: config.extraRoutes,
      antiSpoofing: config.antiSpoofing,
      onConflict,
    },
  });
  fence = createFenceKeeper({
    node: config.node,
    view,
    journal,
    startedMark: join(dirname(config.cniSocket), "wcs-agent.started"),
    endAttachment: verbs.endAttachment,
    log,
  });
  leaks = createLeakFinder({
    journal,
    host,
    view,
    graceMs: config.leakGraceMs,
    endAttachment: verbs.endAttachment,
    onLeak: (kind, what) => {
      metrics.countLeak(kind);
      log(`leak: ${kind} ${what} was nobody's; ended`);
    },
  });
  await fence.look();
  await leaks.look();
  const answer = (call: RawCall) => answerCall(call, { verbs, metrics, log });

  const source =
    config.pods.kind === "file"
      ? startFileSource({ path: config.pods.path, input, log })
      : startKubeSource({ kubeconfig: config.pods.kubeconfig, node: config.node, input, log });
  const tombstones = await startTombstoneReplay({ folder: config.tombstoneFolder, answer, log });
  const server = await startCniServer({ path: config.cniSocket, answer, log });

  const sessions = config.sessions === null ? null : await openSessions(config.sessions, log);
  const link =
    config.link === null
      ? null
      : await startLink({
          config: config.link,
          host: config.host ?? config.node,
          stateFolder: config.stateFolder,
          version: agentVersion,
          startedAt,
          handlers: [
            ...recoveryHandlers({ host, journal }),
            ...(sessions === null ? [] : [execSession(sessions), logsSession(sessions)]),
          ],
          log,
        });

  const sendReport = options.sendReport ?? (link === null ? undefined : sendByLink(link.callServer));
  if (sendReport !== undefined) {
    reports = startHostReports({
      node: config.node,
      journal,
      host,
      view,
      send: sendReport,
      endAttachment: verbs.endAttachment,
      onEnded: metrics.countLeak,
      log,
      ...(options.reportTiming === undefined ? {} : { timing: options.reportTiming }),
    });
    journal.onChange(reports.changed);
  }

  const countDynamic = () => {
    try {
      const grant = readGrant(view, config.node);
      if (grant === null) return { ...noDynamic, problem: "no block is granted on the Node yet" };
      const all = grantAddresses(grant).map(formatIpv4Address);
      const held = journal.heldAddresses();
      const { area, subnet, generation } = grant;
      return {
        area,
        subnet,
        generation,
        total: all.length,
        free: all.filter((ip) => !held.has(ip)).length,
        problem: null,
      };
    } catch (error) {
      return { ...noDynamic, problem: String(error) };
    }
  };
  const admin = await startAdminServer({
    path: config.adminSocket,
    metrics: () => {
      const dynamic = countDynamic();
      const gauge = (help: string, value: number) => ({ help, value });
      const labels = `area="${dynamic.area ?? ""}",subnet="${dynamic.subnet ?? ""}"`;
      return metrics.text({
        wcs_agent_attachments: gauge("Attachments that are held.", journal.entries.size),
        wcs_agent_dynamic_addresses: { ...gauge("Addresses of the dynamic block.", dynamic.total), labels },
        wcs_agent_dynamic_addresses_free: {
          ...gauge("Addresses of the dynamic block that nobody holds.", dynamic.free),
          labels,
        },
        wcs_agent_pods_known: gauge("Pods of this host that are known.", view.pods().length),
        wcs_agent_synced: gauge("1 when the cluster's own word is behind what is known.", view.synced() ? 1 : 0),
        wcs_agent_journal_bytes: gauge("Size of the journal.", journal.sizeBytes()),
        wcs_agent_journal_failed: gauge(
          "1 when the last write of the journal failed.",
          journal.failure() === null ? 0 : 1,
        ),
        wcs_agent_reports_failed: gauge("Reports that no server took.", reports?.state().failed ?? 0),
        wcs_agent_addresses_refused: gauge(
          "Addresses that the ledger says are another's.",
          reports?.refusals().length ?? 0,
        ),
        wcs_agent_resident_bytes: gauge("Memory of this process.", process.memoryUsage.rss()),
      });
    },
    status: () =>
      Promise.resolve({
        node: config.node,
        pid: process.pid,
        startedAt,
        synced: view.synced(),
        podsKnown: view.pods().length,
        journal: { bytes: journal.sizeBytes(), failure: journal.failure(), damagedLines: journal.damaged },
        dynamic: countDynamic(),
        tombstonesReplayed: tombstones.replayed(),
        reports: reports === null ? null : { ...reports.state(), refusals: reports.refusals() },
        residentBytes: process.memoryUsage.rss(),
        conflicts,
        link: link?.status() ?? null,
        calls: metrics.calls(),
        bridges: [...host.bridges.values()],
        attachments: [...journal.entries.values()].map(({ attachment, phase }) => ({
          key: attachmentKey(attachment),
          phase,
          pod: attachment.pod,
          instance: attachment.instance,
          generation: attachment.generation,
          nics: attachment.nics.map((nic) => ({
            name: nic.name,
            area: nic.area,
            ip: ipOf(nic),
            mac: nic.mac,
            hostLink: nic.hostLink,
          })),
        })),
      }),
  });
  const isolation = createIsolationGuard({ journal, host, announcer, silentMs: config.isolationMs, onConflict, log });
  const guarding = setInterval(
    () => {
      isolation.look().catch((error: unknown) => log(`isolation: ${String(error)}`));
    },
    Math.max(100, config.isolationMs / 10),
  );
  const finder = leaks;
  const timer = setInterval(() => {
    finder.look().catch((error: unknown) => log(`leak finder: ${String(error)}`));
  }, config.leakLookMs);
  log(`wcs-agent: serving ${config.node}: ${journal.entries.size} attachments held, ${view.pods().length} pods known`);

  const stopLettingGo = letGoOfProgram();

  return {
    close: async () => {
      clearInterval(timer);
      stopLettingGo();
      await link?.close();
      clearInterval(guarding);
      await Promise.all([server.close(), admin.close(), tombstones.close(), source.close(), reports?.close()]);
      await link?.close();
      announcer.close();
      await copy.close();
      await journal.close();
      await netlink.close();
      await lock.release();
    },
  };
}
