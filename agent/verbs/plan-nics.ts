import {
  formProblemsText,
  macOfAddress,
  networkAnnotationName,
  parseDynamicBlockGrant,
  parseNetworkAnnotation,
  type DynamicBlockGrant,
} from "@wcs/core/ipam";
import { formatIpv4Address, parseIpv4Address, parseIpv4Range } from "@wcs/core/ipv4";
import { hostLinkName, ipOf, type AttachedNic, type Attachment, type PodName } from "../attachment.ts";
import type { Journal } from "../journal/journal.ts";
import type { HostView } from "../view/host-view.ts";
import type { CniCall } from "./cni-call.ts";
import { CniError, cniCodes } from "./cni-error.ts";

export type PlanOptions = Readonly<{
  node: string;
  view: HostView;
  journal: Journal;
  /** Bridges by network area. */
  bridgeOf: (area: string) => string | undefined;
  /** How long the watch may lag behind the kubelet. */
  podWaitMs: number;
  /** Addresses of live ports that the journal does not know (a damaged journal). */
  strayAddresses: () => ReadonlySet<string>;
  /** Why this host may not have an instance under a generation; null when it may. */
  refusal: (claim: Readonly<{ instance: string; generation: number }>) => CniError | null;
  now: () => number;
}>;

/** Who a call is for, by the arguments that Kubernetes' runtimes give; null for a tool. */
function namedPod(args: ReadonlyMap<string, string>): { namespace: string; name: string; uid: string | null } | null {
  const namespace = args.get("K8S_POD_NAMESPACE");
  const name = args.get("K8S_POD_NAME");
  if (!namespace || !name) return null;
  return { namespace, name, uid: args.get("K8S_POD_UID") || null };
}

/** What an ADD is to make. Nothing is written yet. `kept`: the dynamic address that an earlier plan of this call came to. */
export async function planAttachment(
  options: PlanOptions,
  call: CniCall,
  kept: string | null = null,
): Promise<Attachment> {
  const { view, podWaitMs } = options;
  const wanted = namedPod(call.args);
  let pod: PodName | null = null;
  let network: string | null = null;
  if (wanted !== null) {
    const facts = await view.waitForPod(wanted, podWaitMs);
    if (!facts) {
      const message = `pod ${wanted.namespace}/${wanted.name} is not known here yet; try again later`;
      throw new CniError(
        cniCodes.tryAgainLater,
        message,
        view.synced() ? null : "the cluster does not answer, and the copy on disk lacks it",
      );
    }
    pod = { namespace: facts.namespace, name: facts.name, uid: wanted.uid ?? facts.uid };
    network = facts.network;
  }
  const base = {
    containerId: call.containerId,
    ifName: call.ifName,
    network: call.config.name,
    netns: call.netns,
    pod,
    addedAtMs: options.now(),
  };
  if (network === null) {
    return { ...base, instance: null, generation: null, nics: [planDynamic(options, call, { pod, kept })] };
  }
  const parsed = parseNetworkAnnotation(network);
  if (!parsed.ok) {
    throw new CniError(
      cniCodes.badAnnotation,
      `${networkAnnotationName} of the pod can't be used`,
      formProblemsText(parsed.problems),
    );
  }
  const refusal = options.refusal(parsed.value);
  if (refusal !== null) throw refusal;
  const nics = parsed.value.nics.map((nic, index): AttachedNic => ({
    ...nic,
    name: index === 0 ? call.ifName : nic.name,
    hostLink: hostLinkName(call, index),
    bridge: needBridge(options, nic.area),
  }));
  if (new Set(nics.map(({ name }) => name)).size < nics.length) {
    throw new CniError(
      cniCodes.badAnnotation,
      `the pod's second NIC has the name ${call.ifName} that the runtime gives to the first`,
    );
  }
  return { ...base, instance: parsed.value.instance, generation: parsed.value.generation, nics };
}

function needBridge({ bridgeOf, node }: PlanOptions, area: string): string {
  const bridge = bridgeOf(area);
  if (bridge === undefined) {
    throw new CniError(cniCodes.invalidNetworkConfig, `host ${node} has no bridge for network area ${area}`);
  }
  return bridge;
}

/** The block that the server granted to a node; null when there is none. Throws for one that can't be read. */
export function readGrant(view: HostView, node: string): DynamicBlockGrant | null {
  const text = view.grant();
  if (text === null) return null;
  const parsed = parseDynamicBlockGrant(text, node);
  if (parsed.ok) return parsed.value;
  throw new CniError(
    cniCodes.noFreeAddress,
    "the dynamic block of this host can't be used",
    formProblemsText(parsed.problems),
  );
}

/** Addresses of a grant, lowest first. */
export function grantAddresses(grant: DynamicBlockGrant): number[] {
  return grant.blocks.flatMap((block) => {
    const range = parseIpv4Range(block);
    return range ? Array.from({ length: range.last - range.first + 1 }, (_, index) => range.first + index) : [];
  });
}

/** A pod's new sandbox keeps the address of its old one; others get the one that has rested longest. */
function planDynamic(
  options: PlanOptions,
  call: CniCall,
  { pod, kept }: Readonly<{ pod: PodName | null; kept: string | null }>,
): AttachedNic {
  const { journal, node, view } = options;
  const grant = readGrant(view, node);
  if (!grant) {
    throw new CniError(
      cniCodes.noFreeAddress,
      `host ${node} has no dynamic block`,
      "the server grants one on the Node; the pod has no wcs.io/network",
    );
  }
  const bridge = needBridge(options, grant.area);
  const addresses = grantAddresses(grant);
  const earlier = kept !== null && journal.ownerOf(kept) === undefined ? parseIpv4Address(kept) : null;
  const own = earlier ?? (pod === null ? null : addressOfPod(journal, pod, call));
  const ip = own !== null && addresses.includes(own) ? own : nextFree(addresses, options);
  if (ip === null) {
    throw new CniError(
      cniCodes.noFreeAddress,
      `all ${addresses.length} addresses of the dynamic block of ${node} are in use`,
    );
  }
  return {
    name: call.ifName,
    hostLink: hostLinkName(call, 0),
    bridge,
    area: grant.area,
    address: `${formatIpv4Address(ip)}/${grant.cidr.split("/")[1] ?? "32"}`,
    mac: macOfAddress(ip),
    gateway: grant.gateway,
    defaultRoute: true,
    internalPrefixes: [],
    routes: [],
    conflictProbe: grant.conflictProbe,
  };
}

/**
 * Whether what was planned may still be given: a dynamic address that the grant no longer lists is another host's as soon as this
 * host has told that it goes by the new grant.
 */
export function isStillGranted({ view, node }: PlanOptions, { instance, nics }: Attachment): boolean {
  if (instance !== null) return true;
  const grant = readGrant(view, node);
  const addresses = grant === null ? [] : grantAddresses(grant);
  return nics.every((nic) => addresses.includes(parseIpv4Address(ipOf(nic)) ?? -1));
}

function addressOfPod(journal: Journal, pod: PodName, call: CniCall): number | null {
  for (const { attachment } of journal.entries.values()) {
    const same = attachment.instance === null && attachment.pod?.uid === pod.uid && attachment.ifName === call.ifName;
    const nic = attachment.nics[0];
    if (same && nic) return parseIpv4Address(ipOf(nic));
  }
  return null;
}

function nextFree(addresses: readonly number[], { journal, strayAddresses }: PlanOptions): number | null {
  const held = journal.heldAddresses();
  const stray = strayAddresses();
  const lastText = journal.lastDynamic();
  const last = lastText === null ? null : parseIpv4Address(lastText);
  const after = last === null ? 0 : addresses.findIndex((ip) => ip > last);
  const start = Math.max(0, after);
  for (let step = 0; step < addresses.length; step += 1) {
    const ip = addresses[(start + step) % addresses.length] ?? 0;
    const text = formatIpv4Address(ip);
    if (!held.has(text) && !stray.has(text)) return ip;
  }
  return null;
}
