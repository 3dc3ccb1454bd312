import {
  ipv4PrefixesOverlap,
  isHostOfIpv4Prefix,
  parseIpv4Address,
  parseIpv4Interface,
  type Ipv4Address,
  type Ipv4Prefix,
} from "@wcs/core/ipv4";
import type { FormReader } from "./form.ts";
import { macOfAddress } from "./mac-of-address.ts";
import type { NetworkNic } from "./network-annotation.ts";

type Report = FormReader["report"];

/** Reports what NICs that are each well written can't be together: see the network's rules in docs/ipam.md. */
export function checkNics(nics: readonly NetworkNic[], report: Report): void {
  for (const [index, nic] of nics.entries()) checkNic(nic, `nics[${index}]`, report);
  if (nics[0]?.name !== "eth0") report("nics[0].name", "the first NIC is the pod's own", "name it eth0");
  const defaults = nics.filter((nic) => nic.defaultRoute);
  if (defaults.length !== 1) {
    report("nics", `${defaults.length} NICs have the default route`, "set defaultRoute on exactly one");
  }
  const seen = new Map<string, string>();
  for (const [index, nic] of nics.entries()) {
    const path = `nics[${index}]`;
    once(seen, `name ${nic.name}`, `${path}.name`, report);
    for (const [at, prefix] of nic.internalPrefixes.entries()) {
      once(seen, `prefix ${prefix}`, `${path}.internalPrefixes[${at}]`, report);
    }
    for (const [at, { to }] of nic.routes.entries()) once(seen, `route to ${to}`, `${path}.routes[${at}].to`, report);
    for (const [before, other] of nics.slice(0, index).entries()) {
      if (ipv4PrefixesOverlap(interfaceOf(nic).prefix, interfaceOf(other).prefix)) {
        report(
          `${path}.address`,
          `${nic.address} is in the subnet of nics[${before}]`,
          "give each NIC a subnet of its own",
        );
      }
    }
  }
}

function checkNic(nic: NetworkNic, path: string, report: Report): void {
  const { address, prefix } = interfaceOf(nic);
  if (!isHostOfIpv4Prefix(address, prefix)) {
    report(`${path}.address`, `${nic.address} is the subnet's network or broadcast address`, "take one between them");
  }
  const mac = macOfAddress(address);
  if (nic.mac !== mac) report(`${path}.mac`, `${nic.mac} is not the MAC of ${nic.address}`, `write ${mac}`);
  const router = (text: string, at: string): void => {
    const other = parseIpv4Address(text);
    if (other === null || other === address || !isHostOfIpv4Prefix(other, prefix)) {
      report(at, `${text} is no other host of the subnet of ${nic.address}`, "name a router of that subnet");
    }
  };
  router(nic.gateway, `${path}.gateway`);
  for (const [at, route] of nic.routes.entries()) {
    router(route.via, `${path}.routes[${at}].via`);
    if (route.to !== "0.0.0.0/0") continue;
    report(`${path}.routes[${at}].to`, "that is the default route", "set defaultRoute instead");
  }
  if (nic.internalPrefixes.includes("0.0.0.0/0")) {
    report(`${path}.internalPrefixes`, "0.0.0.0/0 is every address", "list the internal ones");
  }
  if (nic.defaultRoute && nic.internalPrefixes.length > 0) {
    report(
      `${path}.internalPrefixes`,
      "the NIC with the default route needs none",
      "list them on the internal NIC, or leave them out",
    );
  }
}

function interfaceOf(nic: NetworkNic): Readonly<{ address: Ipv4Address; prefix: Ipv4Prefix }> {
  const parsed = parseIpv4Interface(nic.address);
  if (parsed === null) throw new TypeError(`${nic.address} was not checked before`);
  return parsed;
}

function once(seen: Map<string, string>, what: string, path: string, report: Report): void {
  const before = seen.get(what);
  if (before !== undefined) report(path, `${what} was given before, at ${before}`, "give it once");
  else seen.set(what, path);
}
