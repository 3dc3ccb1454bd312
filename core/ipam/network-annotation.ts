import { canonicalJson } from "@wcs/core/canonical";
import { parseForm, type FormReader, type ParsedForm } from "./form.ts";
import { fields } from "./form-fields.ts";
import { checkNics } from "./check-nics.ts";

/** The annotation on a pod (and on the template of its StatefulSet) that says which NICs the pod gets. */
export const networkAnnotationName = "wcs.io/network";

/** `to` (`10.80.0.0/16`) goes to the router `via`, an address of the NIC's subnet. */
export type NicRoute = Readonly<{ to: string; via: string }>;

/**
 * One NIC. `address` has its prefix (`10.71.1.100/24`). `defaultRoute`: the default route leaves by this NIC's gateway; exactly
 * one NIC has it. `internalPrefixes`: what another NIC than that one carries instead, by its own gateway, in a route table
 * of its own with a rule on the source address. `routes`: more routes of the main table. `conflictProbe`: ask the rack whether
 * somebody has the address before the pod gets it.
 */
export type NetworkNic = Readonly<{
  name: string;
  area: string;
  address: string;
  mac: string;
  gateway: string;
  defaultRoute: boolean;
  internalPrefixes: readonly string[];
  routes: readonly NicRoute[];
  conflictProbe: boolean;
}>;

/**
 * The addresses of an instance. `generation` is the ledger's count of how often the instance's addresses were given anew
 * (delivery, move to another host): of two pods of an instance the one with the lower number is old, whatever the clocks say.
 * The first NIC is `eth0`, the pod's IP in Kubernetes.
 */
export type NetworkAnnotation = Readonly<{ instance: string; generation: number; nics: readonly NetworkNic[] }>;

const version = 1;
const mostNics = 8;
const mostPrefixes = 256;

/** The annotation's text: canonical JSON, so that equal addresses are equal bytes. */
export function printNetworkAnnotation(annotation: NetworkAnnotation): string {
  return canonicalJson({ version, ...annotation, nics: annotation.nics.map(sortNic) });
}

/** Reads the annotation; every problem is named with its path. Lists of routes and prefixes come sorted. */
export function parseNetworkAnnotation(text: string): ParsedForm<NetworkAnnotation> {
  return parseForm(text, readAnnotation);
}

function readAnnotation(reader: FormReader, json: unknown): NetworkAnnotation | null {
  const members = reader.object(json, "$", ["version", "instance", "generation", "nics"]);
  if (members === null) return null;
  reader.integer(members.version, "version", { min: version, max: version });
  const instance = reader.text(members.instance, "instance", fields.name);
  const generation = reader.integer(members.generation, "generation", { min: 1, max: Number.MAX_SAFE_INTEGER });
  const found = Array.isArray(members.nics) ? members.nics.length : 0;
  const read = (item: unknown, path: string): NetworkNic | null => readNic(reader, item, path);
  const nics = reader.list(members.nics, "nics", { min: 1, max: mostNics, read });
  if (instance === null || generation === null || nics.length !== found) return null;
  checkNics(nics, reader.report);
  return { instance, generation, nics };
}

const nicMembers = [
  "name",
  "area",
  "address",
  "mac",
  "gateway",
  "defaultRoute",
  "internalPrefixes",
  "routes",
  "conflictProbe",
];

function readNic(reader: FormReader, json: unknown, path: string): NetworkNic | null {
  const members = reader.object(json, path, nicMembers);
  if (members === null) return null;
  const name = reader.text(members.name, `${path}.name`, fields.nic);
  const area = reader.text(members.area, `${path}.area`, fields.area);
  const address = reader.text(members.address, `${path}.address`, fields.interface);
  const mac = reader.text(members.mac, `${path}.mac`, fields.mac);
  const gateway = reader.text(members.gateway, `${path}.gateway`, fields.address);
  const defaultRoute = reader.flag(members.defaultRoute, `${path}.defaultRoute`);
  const conflictProbe = reader.flag(members.conflictProbe, `${path}.conflictProbe`);
  const internalPrefixes = reader.list(members.internalPrefixes, `${path}.internalPrefixes`, {
    min: 0,
    max: mostPrefixes,
    read: (item, itemPath) => reader.text(item, itemPath, fields.prefix),
  });
  const routes = reader.list(members.routes, `${path}.routes`, {
    min: 0,
    max: mostPrefixes,
    read: (item, itemPath) => readRoute(reader, item, itemPath),
  });
  if (name === null || area === null || address === null || mac === null) return null;
  if (gateway === null || defaultRoute === null || conflictProbe === null) return null;
  return sortNic({ name, area, address, mac, gateway, defaultRoute, internalPrefixes, routes, conflictProbe });
}

function readRoute(reader: FormReader, json: unknown, path: string): NicRoute | null {
  const members = reader.object(json, path, ["to", "via"]);
  if (members === null) return null;
  const to = reader.text(members.to, `${path}.to`, fields.prefix);
  const via = reader.text(members.via, `${path}.via`, fields.address);
  return to === null || via === null ? null : { to, via };
}

function sortNic(nic: NetworkNic): NetworkNic {
  return {
    ...nic,
    internalPrefixes: nic.internalPrefixes.toSorted(),
    routes: nic.routes.toSorted((a, b) => (a.to === b.to ? compare(a.via, b.via) : compare(a.to, b.to))),
  };
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
