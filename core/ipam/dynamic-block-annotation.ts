import { canonicalJson } from "@wcs/core/canonical";
import {
  formatIpv4Range,
  ipv4RangesOverlap,
  isHostOfIpv4Prefix,
  parseIpv4Address,
  parseIpv4Prefix,
  parseIpv4Range,
} from "@wcs/core/ipv4";
import { parseForm, type FormReader, type ParsedForm } from "./form.ts";
import { fields } from "./form-fields.ts";

/** The annotation on a Node that grants its agent addresses for pods without `wcs.io/network`. */
export const dynamicBlockAnnotationName = "wcs.io/dynamic-block";

/**
 * What a host may give out by itself. `host`: the Node's name, so that a copied Node object grants nothing. `generation` rises
 * with each change of the grant. `cidr` and `gateway` are the subnet's. `blocks` are ranges (`10.71.1.20-10.71.1.27`) in order,
 * apart from each other; a block that is no longer listed may not be given out again, and goes back once its addresses are unused.
 */
export type DynamicBlockGrant = Readonly<{
  host: string;
  generation: number;
  subnet: string;
  area: string;
  cidr: string;
  gateway: string;
  conflictProbe: boolean;
  blocks: readonly string[];
}>;

const version = 1;
const mostBlocks = 256;
const grantMembers = ["version", "host", "generation", "subnet", "area", "cidr", "gateway", "conflictProbe", "blocks"];

/** The annotation's text: canonical JSON, blocks in order. */
export function printDynamicBlockGrant(grant: DynamicBlockGrant): string {
  return canonicalJson({ version, ...grant, blocks: sortBlocks(grant.blocks) });
}

/** Reads the annotation of the Node `host`; every problem is named with its path. */
export function parseDynamicBlockGrant(text: string, host: string): ParsedForm<DynamicBlockGrant> {
  return parseForm(text, (reader, json) => readGrant(reader, json, host));
}

function readGrant(reader: FormReader, json: unknown, node: string): DynamicBlockGrant | null {
  const members = reader.object(json, "$", grantMembers);
  if (members === null) return null;
  reader.integer(members.version, "version", { min: version, max: version });
  const host = reader.text(members.host, "host", fields.name);
  const generation = reader.integer(members.generation, "generation", { min: 1, max: Number.MAX_SAFE_INTEGER });
  const subnet = reader.text(members.subnet, "subnet", fields.name);
  const area = reader.text(members.area, "area", fields.area);
  const cidr = reader.text(members.cidr, "cidr", fields.prefix);
  const gateway = reader.text(members.gateway, "gateway", fields.address);
  const conflictProbe = reader.flag(members.conflictProbe, "conflictProbe");
  const blocks = reader.list(members.blocks, "blocks", {
    min: 0,
    max: mostBlocks,
    read: (item, path) => reader.text(item, path, fields.range),
  });
  if (host === null || generation === null || subnet === null || area === null) return null;
  if (cidr === null || gateway === null || conflictProbe === null) return null;
  if (host !== node) {
    reader.report("host", `the grant is for ${host}, the Node is ${node}`, "grant this Node a block of its own");
  }
  const grant = { host, generation, subnet, area, cidr, gateway, conflictProbe, blocks: sortBlocks(blocks) };
  checkBlocks(reader, grant);
  return grant;
}

function checkBlocks(reader: FormReader, grant: DynamicBlockGrant): void {
  const subnet = parseIpv4Prefix(grant.cidr);
  const gateway = parseIpv4Address(grant.gateway);
  if (subnet === null || gateway === null) throw new TypeError("cidr and gateway were not checked before");
  if (!isHostOfIpv4Prefix(gateway, subnet)) {
    reader.report("gateway", `${grant.gateway} is no host of ${grant.cidr}`, "name the subnet's router");
  }
  const ranges = grant.blocks.map(rangeOf);
  for (const [index, range] of ranges.entries()) {
    const text = formatIpv4Range(range);
    if (!isHostOfIpv4Prefix(range.first, subnet) || !isHostOfIpv4Prefix(range.last, subnet)) {
      reader.report("blocks", `${text} is not among the hosts of ${grant.cidr}`, "grant a range of that subnet");
    }
    if (range.first <= gateway && gateway <= range.last) {
      reader.report("blocks", `${text} holds the gateway ${grant.gateway}`, "leave the gateway out");
    }
    const before = ranges[index - 1];
    if (before !== undefined && ipv4RangesOverlap(before, range)) {
      reader.report("blocks", `${formatIpv4Range(before)} and ${text} overlap`, "grant an address once");
    }
  }
}

function sortBlocks(blocks: readonly string[]): readonly string[] {
  return blocks.toSorted((a, b) => {
    const [one, other] = [rangeOf(a), rangeOf(b)];
    return one.first - other.first || one.last - other.last;
  });
}

function rangeOf(text: string): NonNullable<ReturnType<typeof parseIpv4Range>> {
  const range = parseIpv4Range(text);
  if (range === null) throw new TypeError(`${text} is not an address range`);
  return range;
}
