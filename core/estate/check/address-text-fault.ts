import { formatIpv4Prefix, parseIpv4Address, parseIpv4Interface, parseIpv4Range } from "@wcs/core/ipv4";
import type { EstateFaultCode } from "../faults/fault-texts.ts";

/** The forms of address that documents have. */
export type AddressForm = "ipv4" | "ipv4-cidr" | "ipv4-range";

/** What is wrong with the text of an address, or null. `network`: what was probably meant. */
export function addressTextFault(
  form: AddressForm,
  text: string,
): Readonly<{ code: EstateFaultCode; network?: string }> | null {
  if (form === "ipv4") return parseIpv4Address(text) === null ? malformed("address-malformed", text) : null;
  if (form === "ipv4-range") return parseIpv4Range(text) === null ? malformed("range-malformed", text) : null;
  const parsed = parseIpv4Interface(text);
  if (parsed === null) return malformed("cidr-malformed", text);
  return parsed.address === parsed.prefix.first
    ? null
    : { code: "cidr-host-bits", network: formatIpv4Prefix(parsed.prefix) };
}

function malformed(code: EstateFaultCode, text: string): Readonly<{ code: EstateFaultCode }> {
  return { code: looksLikeIpv6(text) ? "ipv6-unsupported" : code };
}

// Every text form of IPv6 has two colons and nothing but hexadecimal digits, colons and an IPv4 tail (RFC 4291, 2.2); a zone may follow.
const ipv6Text = /^(?=[^:]*:[^:]*:)[0-9a-f:]+(?:\d{1,3}(?:\.\d{1,3}){3})?(?:%[\w.-]+)?$/i;

function looksLikeIpv6(text: string): boolean {
  return text.split("-").every((part) => ipv6Text.test(part.replace(/\/\d{1,3}$/, "")));
}
