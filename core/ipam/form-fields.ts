import { parseIpv4Address, parseIpv4Interface, parseIpv4Prefix, parseIpv4Range } from "@wcs/core/ipv4";

// Kubernetes names: RFC 1123 labels, dots between them for what may hold several.
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const name = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;
// The kernel's dev_valid_name (net/core/dev.c) takes more; this is what WCS gives.
const interfaceName = /^[a-z][a-z0-9]{0,14}$/;

/** Digits and letters with two colons: nothing that IPv4 has. */
const ipv6Form = /^[0-9a-f.]*(?::[0-9a-f.]*){2,}(?:[/-].*)?$/i;
const mistake = (text: string): string | null =>
  ipv6Form.test(text) ? "IPv6, which the pods' network does not carry" : null;

/** What the texts of the ledger's forms may be, for `FormReader.text`. */
export const fields = {
  address: {
    form: "an IPv4 address such as 10.71.1.100",
    accepts: (text: string) => parseIpv4Address(text) !== null,
    mistake,
  },
  interface: {
    form: "an IPv4 address with its prefix such as 10.71.1.100/24",
    accepts: (text: string) => parseIpv4Interface(text) !== null,
    mistake,
  },
  prefix: {
    form: "an IPv4 prefix such as 10.0.0.0/8 with no bits behind it",
    accepts: (text: string) => parseIpv4Prefix(text) !== null,
    mistake,
  },
  range: {
    form: "an address range such as 10.71.1.20-10.71.1.27",
    accepts: (text: string) => parseIpv4Range(text) !== null,
    mistake,
  },
  mac: {
    form: "a MAC such as 02:57:0a:47:01:64 in small letters",
    accepts: (text: string) => /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/.test(text),
  },
  area: { form: "an area's name such as core", accepts: (text: string) => label.test(text) },
  name: { form: "a name of small letters, digits, - and .", accepts: (text: string) => name.test(text) },
  nic: { form: "an interface name such as eth0", accepts: (text: string) => interfaceName.test(text) && text !== "lo" },
} as const;
