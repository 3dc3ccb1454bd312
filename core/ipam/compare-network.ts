import { formatIpv4Address, type Ipv4Address, type Ipv4Range } from "@wcs/core/ipv4";
import type { AddressRecord } from "./address-record.ts";
import { bindAddress } from "./bind-address.ts";
import type { HostAddress, HostReport } from "./host-report.ts";
import { macOfAddress } from "./mac-of-address.ts";
import type { RefusalCode } from "./transition.ts";

/** What a pod or a pod template in Kubernetes says of one NIC. */
export type AnnotatedNic = Readonly<{
  source: string;
  address: Ipv4Address;
  instance: string;
  nic: string;
  generation: number;
}>;

export const differenceKinds = [
  "unrecorded-binding",
  "unknown-address",
  "wrong-owner",
  "stale-pod",
  "unknown-generation",
  "second-host",
  "wrong-mac",
  "outside-block",
  "missing-on-host",
  "stale-annotation",
  "annotation-not-in-ledger",
  "not-annotated",
  "conflict",
] as const;
export type DifferenceKind = (typeof differenceKinds)[number];

/** Where the ledger, Kubernetes and a host disagree. `repair`: what the reconciler does about it by itself; null: people are told. */
export type NetworkDifference = Readonly<{
  kind: DifferenceKind;
  address: Ipv4Address;
  instance: string | null;
  host: string | null;
  detail: string;
  repair: "bind" | "mark-conflict" | null;
}>;

/**
 * The three views of one moment. `annotations` null: Kubernetes could not be read in full, and nothing is concluded about what is missing
 * there; `annotated` are the instances that any annotation names. `reports` are those heard of lately, one a host; a host without one is not judged.
 */
export type NetworkViews = Readonly<{
  records: readonly AddressRecord[];
  annotations: readonly AnnotatedNic[] | null;
  annotated: ReadonlySet<string>;
  reports: readonly HostReport[];
  blocks: ReadonlyMap<string, readonly Ipv4Range[]>;
}>;

/** What Kubernetes and the hosts say of the addresses from `first` to `last`: the views of a bank are compared a part at a time. */
export function viewsWithin(
  views: Omit<NetworkViews, "records">,
  { first, last }: Ipv4Range,
): Omit<NetworkViews, "records"> {
  const isWithin = ({ address }: Readonly<{ address: Ipv4Address }>): boolean => first <= address && address <= last;
  return {
    ...views,
    annotations: views.annotations?.filter(isWithin) ?? null,
    reports: views.reports.map((report) => {
      return { ...report, addresses: report.addresses.filter(isWithin), conflicts: report.conflicts.filter(isWithin) };
    }),
  };
}

/** Every difference, in the order of addresses. */
export function compareNetwork(views: NetworkViews): readonly NetworkDifference[] {
  const records = new Map(views.records.map((record) => [record.address, record]));
  const found = [
    ...views.reports.flatMap((report) => fromReport(report, records, views.blocks)),
    ...onTwoHosts(views.reports),
    ...missingOnHosts(views),
    ...markedConflicts(views),
    ...(views.annotations ?? []).flatMap((nic) => fromAnnotation(nic, records.get(nic.address))),
    ...(views.annotations === null ? [] : notAnnotated(views.records, views.annotations, views.annotated)),
  ];
  return found.toSorted((a, b) => a.address - b.address);
}

const kindOfRefusal: Readonly<Partial<Record<RefusalCode, DifferenceKind>>> = {
  "not-owner": "wrong-owner",
  "stale-generation": "stale-pod",
  "superseded-pod": "stale-pod",
  "unknown-generation": "unknown-generation",
  "bound-elsewhere": "second-host",
};

function fromReport(
  report: HostReport,
  records: ReadonlyMap<Ipv4Address, AddressRecord>,
  blocks: ReadonlyMap<string, readonly Ipv4Range[]>,
): readonly NetworkDifference[] {
  const { host } = report;
  const addresses = report.addresses.flatMap((entry) => {
    const found: NetworkDifference[] = [];
    const mac = macOfAddress(entry.address);
    if (entry.mac !== mac) {
      found.push(
        difference("wrong-mac", entry, { host, detail: `has MAC ${entry.mac}; ${mac} belongs to the address` }),
      );
    }
    const record = records.get(entry.address);
    const other =
      entry.instance === null || entry.generation === null
        ? dynamicDifference(entry, host, record, blocks.get(host) ?? [])
        : bindingDifference({ ...entry, instance: entry.instance, generation: entry.generation }, host, record);
    return other === null ? found : [...found, other];
  });
  const conflicts = report.conflicts.map(({ address, mac }) => {
    const instance = records.get(address)?.owner?.name ?? null;
    const detail = `${mac} answers for it`;
    const marked = records.get(address)?.condition === "usable";
    return {
      kind: "conflict" as const,
      address,
      instance,
      host,
      detail,
      repair: marked ? ("mark-conflict" as const) : null,
    };
  });
  return [...addresses, ...conflicts];
}

function bindingDifference(
  entry: HostAddress & Readonly<{ instance: string; generation: number }>,
  host: string,
  record: AddressRecord | undefined,
): NetworkDifference | null {
  if (record === undefined) {
    return difference("unknown-address", entry, { host, detail: "is on no subnet of the ledger" });
  }
  const { instance, nic, generation, podUid, containerId } = entry;
  const transition = bindAddress(record, { instance, nic, generation, binding: { podUid, containerId, host } });
  if (!transition.ok) {
    const { code, detail } = transition.refusal;
    return difference(kindOfRefusal[code] ?? "wrong-owner", entry, { host, detail });
  }
  if (transition.record === record) return null;
  return { ...difference("unrecorded-binding", entry, { host, detail: `runs in pod ${podUid}` }), repair: "bind" };
}

function dynamicDifference(
  entry: HostAddress,
  host: string,
  record: AddressRecord | undefined,
  blocks: readonly Ipv4Range[],
): NetworkDifference | null {
  if (record !== undefined && record.state !== "free" && record.state !== "cooling") {
    return difference("wrong-owner", entry, {
      host,
      detail: `was given to pod ${entry.podUid}, and is ${record.owner?.name}'s`,
    });
  }
  if (blocks.some((block) => block.first <= entry.address && entry.address <= block.last)) return null;
  return difference("outside-block", entry, {
    host,
    detail: `was given to pod ${entry.podUid} outside the host's blocks`,
  });
}

function onTwoHosts(reports: readonly HostReport[]): readonly NetworkDifference[] {
  const seen = new Map<Ipv4Address, string>();
  return reports.flatMap(({ host, addresses }) =>
    addresses.flatMap((entry) => {
      const before = seen.get(entry.address);
      seen.set(entry.address, host);
      if (before === undefined || before === host) return [];
      return [difference("second-host", entry, { host, detail: `is on host ${before} as well` })];
    }),
  );
}

function missingOnHosts(views: NetworkViews): readonly NetworkDifference[] {
  const onHost = new Map(
    views.reports.map(({ host, addresses }) => [host, new Set(addresses.map((entry) => entry.address))]),
  );
  return views.records.flatMap((record) => {
    const host = record.binding?.host;
    if (host === undefined || onHost.get(host)?.has(record.address) !== false) return [];
    const detail = `is bound to pod ${record.binding?.podUid}, and the host does not have it`;
    return [
      {
        kind: "missing-on-host",
        address: record.address,
        instance: record.owner?.name ?? null,
        host,
        detail,
        repair: null,
      },
    ];
  });
}

/** A conflict is told by one report, and stays one until a person has cleared it. */
function markedConflicts({ records, reports }: NetworkViews): readonly NetworkDifference[] {
  const reported = new Set(reports.flatMap(({ conflicts }) => conflicts.map(({ address }) => address)));
  return records.flatMap(({ address, condition, owner }) => {
    if (condition !== "conflict" || reported.has(address)) return [];
    const detail = "somebody else answered for it, and nobody has cleared that";
    return [{ kind: "conflict" as const, address, instance: owner?.name ?? null, host: null, detail, repair: null }];
  });
}

function fromAnnotation(nic: AnnotatedNic, record: AddressRecord | undefined): readonly NetworkDifference[] {
  const base = { address: nic.address, instance: nic.instance, host: null, repair: null };
  if (record?.owner?.name !== nic.instance || record.owner.nic !== nic.nic || record.retired) {
    const whose =
      record?.owner === undefined || record.owner === null ? "nobody's" : `${record.owner.name}/${record.owner.nic}'s`;
    const detail = `${nic.source} gives it to ${nic.instance}/${nic.nic}; in the ledger it is ${whose}`;
    return [{ ...base, kind: "annotation-not-in-ledger", detail }];
  }
  if (nic.generation === record.generation) return [];
  const detail = `${nic.source} has generation ${nic.generation}, the ledger ${record.generation}`;
  return [{ ...base, kind: nic.generation < record.generation ? "stale-annotation" : "unknown-generation", detail }];
}

/** Of instances that have an annotation at all: NICs that the ledger gives them and the annotation leaves out. */
function notAnnotated(
  records: readonly AddressRecord[],
  annotations: readonly AnnotatedNic[],
  annotated: ReadonlySet<string>,
): readonly NetworkDifference[] {
  const nics = new Set(annotations.map((nic) => `${nic.instance} ${nic.address}`));
  return records.flatMap(({ address, owner, retired }) => {
    if (owner?.kind !== "instance" || retired || !annotated.has(owner.name) || nics.has(`${owner.name} ${address}`)) {
      return [];
    }
    const detail = `is ${owner.name}/${owner.nic}'s, and no pod or template says so`;
    return [{ kind: "not-annotated", address, instance: owner.name, host: null, detail, repair: null }];
  });
}

function difference(
  kind: DifferenceKind,
  entry: HostAddress,
  options: Readonly<{ host: string; detail: string }>,
): NetworkDifference {
  const { host, detail } = options;
  const named = detail.startsWith(formatIpv4Address(entry.address))
    ? detail
    : `${formatIpv4Address(entry.address)} ${detail}`;
  return { kind, address: entry.address, instance: entry.instance, host, detail: named, repair: null };
}
