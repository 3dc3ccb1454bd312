import { setTimeout as sleep } from "node:timers/promises";
import {
  addAddressRequest,
  addLinkRequest,
  addRouteRequest,
  addRuleRequest,
  decodeLink,
  getLinkRequest,
  NetlinkError,
  removeRuleRequest,
  setLinkRequest,
  type Namespace,
  type NetlinkRequest,
} from "@wcs/netlink";
import { attachmentKey, hostLinkName, ipOf, type AttachedNic, type Attachment } from "../attachment.ts";
import type { Faults } from "../fault-points.ts";
import { CniError, cniCodes } from "../verbs/cni-error.ts";
import type { Announcer } from "./announcer.ts";
import { allowNics, forbidNics } from "./guard.ts";
import type { HostBridge, HostNetwork } from "./host-network.ts";
import { verifyAttachment } from "./verify.ts";
import { isOwnRule, wantedRoutes, type ExtraRoute } from "./wanted-routes.ts";

/** How long others are asked, and how often. `waitMs` 0 turns a probe off. */
export type ProbeTiming = Readonly<{ waitMs: number; attempts: number }>;

export type PlumbingOptions = Readonly<{
  host: HostNetwork;
  conflictProbe: ProbeTiming;
  gatewayProbe: ProbeTiming;
  forwardingWaitMs: number;
  extraRoutes: readonly ExtraRoute[];
  antiSpoofing: boolean;
  announcer: Announcer;
  faults: Faults;
  /** Told when somebody else answered for an address. */
  onConflict: (conflict: Readonly<{ ip: string; mac: string }>) => void;
}>;

type Ends = Readonly<{ nic: AttachedNic; bridge: HostBridge; hostIndex: number; podIndex: number }>;
type Work = Readonly<{ options: PlumbingOptions; attachment: Attachment; pod: Namespace; ends: readonly Ends[] }>;

/**
 * Gives a container its NICs, in the order of docs/network.md. The intent is in the journal already. Whatever fails, nothing
 * of it is left.
 */
export async function plumb(options: PlumbingOptions, attachment: Attachment, pod: Namespace): Promise<void> {
  const { host, faults } = options;
  try {
    const ends = await makeLinks(options, attachment, pod);
    const work = { options, attachment, pod, ends };
    await faults("add.linked");
    if (options.antiSpoofing) await allowNics(host, attachment.nics);
    await faults("add.guarded");
    await probeOthers(work);
    await faults("add.probed");
    await configure(work);
    await faults("add.configured");
    await waitForForwarding(work);
    await faults("add.forwarding");
    const problems = await verifyAttachment(host, pod, { attachment, extraRoutes: options.extraRoutes });
    if (problems.length > 0) {
      throw new CniError(cniCodes.notAsAsked, "the container's network is not what was asked for", problems.join("; "));
    }
    announce(work);
    await faults("add.announced");
  } catch (error) {
    await unplumb(options, attachment);
    throw error instanceof NetlinkError ? kernelError(error) : error;
  }
}

function kernelError(error: NetlinkError): CniError {
  return new CniError(
    cniCodes.kernelRefused,
    `the kernel refused: ${error.operation}`,
    `${error.code}${error.detail ? `: ${error.detail}` : ""}`,
  );
}

async function makeLinks({ host }: PlumbingOptions, attachment: Attachment, pod: Namespace): Promise<Ends[]> {
  const { netlink, namespace, bridges } = host;
  const steps: [Namespace, NetlinkRequest][] = [];
  for (const nic of attachment.nics) {
    const bridge = bridges.get(nic.area);
    if (!bridge) {
      throw new CniError(cniCodes.invalidNetworkConfig, `this host has no bridge for network area ${nic.area}`);
    }
    const { mtu } = bridge;
    const peer = { name: nic.name, mac: nic.mac, mtu, namespaceFd: pod.fd };
    steps.push(
      [namespace, addLinkRequest({ name: nic.hostLink, kind: "veth", mtu, masterIndex: bridge.index, peer })],
      [namespace, setLinkRequest({ name: nic.hostLink }, { alias: `${attachmentKey(attachment)} ${ipOf(nic)}` })],
      [namespace, getLinkRequest({ name: nic.hostLink })],
      [pod, getLinkRequest({ name: nic.name })],
    );
  }
  const answers = await netlink.run(steps);
  return attachment.nics.map((nic, index) => {
    const hostMessage = answers[index * 4 + 2]?.[0];
    const podMessage = answers[index * 4 + 3]?.[0];
    const bridge = bridges.get(nic.area);
    if (!hostMessage || !podMessage || !bridge) throw new CniError(cniCodes.unexpected, "the kernel gave no link back");
    return { nic, bridge, hostIndex: decodeLink(hostMessage).index, podIndex: decodeLink(podMessage).index };
  });
}

/** Asks the rack who has the addresses, and whether the gateways are there, before the container can be seen or heard. */
async function probeOthers({ options, ends }: Work): Promise<void> {
  const { host, conflictProbe, gatewayProbe } = options;
  const ask = (end: Ends, ip: string, timing: ProbeTiming) =>
    host.netlink.probe(host.namespace, { linkIndex: end.bridge.index, fromMac: end.bridge.mac, ip, ...timing });
  const skipped = Promise.resolve(null);
  const [own, ...answers] = await Promise.all([
    host.netlink.listAddresses(host.namespace),
    ...ends.flatMap((end) => [
      conflictProbe.waitMs > 0 && end.nic.conflictProbe ? ask(end, ipOf(end.nic), conflictProbe) : skipped,
      gatewayProbe.waitMs > 0
        ? askGateway(host, end.nic.gateway, () => ask(end, end.nic.gateway, gatewayProbe))
        : skipped,
    ]),
  ]);
  const isOwn = (ip: string) => own.some(({ address }) => ipOf({ address }) === ip);
  for (const [index, { nic, bridge }] of ends.entries()) {
    const [conflict, gateway] = [answers[index * 2] ?? null, answers[index * 2 + 1] ?? null];
    const ip = ipOf(nic);
    if (isOwn(ip)) throw new CniError(cniCodes.addressConflict, `address ${ip} is this host's own`);
    if (conflict) {
      options.onConflict({ ip, mac: conflict.mac });
      const message = `address ${ip} is answered for by ${conflict.mac}`;
      throw new CniError(cniCodes.addressConflict, message, `asked on ${bridge.name}`);
    }
    if (gatewayProbe.waitMs > 0 && gateway === null && !isOwn(nic.gateway)) {
      const message = `gateway ${nic.gateway} of ${nic.name} gives no answer on ${bridge.name}`;
      throw new CniError(cniCodes.gatewaySilent, message, `asked for ${gatewayProbe.waitMs} ms`);
    }
  }
}

/** A hundred pods that start at once need not ask a hundred times: an answer counts for this long. */
const gatewayAnswerMs = 1_000;
const gatewayAnswers = new WeakMap<HostNetwork, Map<string, { mac: string; atMs: number }>>();

async function askGateway(
  host: HostNetwork,
  gateway: string,
  ask: () => Promise<{ mac: string } | null>,
): Promise<{ mac: string } | null> {
  const answers = gatewayAnswers.get(host) ?? new Map<string, { mac: string; atMs: number }>();
  gatewayAnswers.set(host, answers);
  const known = answers.get(gateway);
  if (known && performance.now() - known.atMs < gatewayAnswerMs) return known;
  const found = await ask();
  if (found) answers.set(gateway, { mac: found.mac, atMs: performance.now() });
  else answers.delete(gateway);
  return found;
}

async function configure({ options, attachment, pod, ends }: Work): Promise<void> {
  const { host, extraRoutes } = options;
  const steps: [Namespace, NetlinkRequest][] = [[pod, setLinkRequest({ name: "lo" }, { up: true })]];
  for (const { nic, hostIndex, podIndex } of ends) {
    steps.push(
      [pod, addAddressRequest(podIndex, nic.address)],
      [pod, setLinkRequest({ index: podIndex }, { up: true })],
      [host.namespace, setLinkRequest({ index: hostIndex }, { up: true })],
    );
  }
  const { routes, rules } = wantedRoutes(attachment.nics, extraRoutes);
  for (const { nic, ...route } of routes) {
    const linkIndex = ends.find((end) => end.nic.name === nic)?.podIndex ?? 0;
    steps.push([pod, addRouteRequest({ ...route, linkIndex })]);
  }
  for (const rule of rules) steps.push([pod, addRuleRequest(rule)]);
  await host.netlink.run(steps);
}

/**
 * An announcement that a blocked port swallows is lost for good. So is one that the container's own end swallows: it drops
 * what is sent until the kernel's link watch has seen the carrier and put a queue in (dev_activate in net/sched/sch_generic.c), a
 * moment after the port forwards; its operational state tells.
 */
async function waitForForwarding({ options, pod, ends }: Work): Promise<void> {
  const { host, forwardingWaitMs } = options;
  const { netlink, namespace } = host;
  const deadline = performance.now() + forwardingWaitMs;
  for (const { nic, hostIndex, podIndex } of ends) {
    for (;;) {
      const [near, far] = await Promise.all([
        netlink.getLink(namespace, { index: hostIndex }),
        netlink.getLink(pod, { index: podIndex }),
      ]);
      if (near.port?.state === "forwarding" && near.operState === "up" && far.operState === "up") break;
      if (performance.now() > deadline) {
        const states = `its port is ${near.port?.state ?? "none"} and ${near.operState}, ${nic.name} is ${far.operState}`;
        const message = `port ${nic.hostLink} does not forward`;
        throw new CniError(cniCodes.kernelRefused, message, `${states} after ${forwardingWaitMs} ms`);
      }
      await sleep(1);
    }
  }
}

function announce({ options, attachment, pod, ends }: Work): void {
  const nics = ends.map(({ nic, podIndex }) => ({ linkIndex: podIndex, mac: nic.mac, ip: ipOf(nic) }));
  options.announcer.announce(attachmentKey(attachment), pod, nics);
}

/** Takes an attachment's links, rules and permissions away; what is not there is no error. */
export async function unplumb(
  { host, antiSpoofing, announcer }: Pick<PlumbingOptions, "host" | "antiSpoofing" | "announcer">,
  attachment: Attachment,
): Promise<void> {
  announcer.stop(attachmentKey(attachment));
  const names = attachment.nics.map(({ hostLink }) => hostLink);
  await Promise.all([
    removeHostLinks(host, names),
    antiSpoofing ? forbidNics(host, attachment.nics) : null,
    attachment.nics.length > 1 ? removeRules(host, attachment.netns) : null,
  ]);
}

/** Routes go with their link, rules stay with the namespace: a container that is plumbed again would find its own. */
async function removeRules({ netlink }: HostNetwork, netns: string): Promise<void> {
  let pod: Namespace;
  try {
    pod = await netlink.openNamespace(netns);
  } catch (error) {
    // ENOENT: the namespace is gone. EINVAL: a file is left where one was mounted. Its rules went with it.
    if (error instanceof NetlinkError && (error.code === "ENOENT" || error.code === "EINVAL")) return;
    throw error;
  }
  try {
    const own = (await netlink.listRules(pod)).filter(isOwnRule);
    await netlink.run(own.map((rule) => [pod, removeRuleRequest(rule)]));
  } finally {
    await netlink.closeNamespace(pod);
  }
}

/** The links of a container that no record names: after a lost journal, or for a DEL that comes twice. */
export async function unplumbUnknown(
  host: HostNetwork,
  container: Readonly<{ containerId: string; ifName: string }>,
): Promise<void> {
  await removeHostLinks(
    host,
    [0, 1, 2, 3].map((index) => hostLinkName(container, index)),
  );
}

async function removeHostLinks({ netlink, namespace }: HostNetwork, names: readonly string[]): Promise<void> {
  await Promise.all(
    names.map(async (name) => {
      const link = await netlink.findLink(namespace, { name });
      if (link) await netlink.removeLink(namespace, link.index);
    }),
  );
}
