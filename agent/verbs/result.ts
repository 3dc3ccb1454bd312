import { mainTable } from "@wcs/netlink";
import type { Attachment } from "../attachment.ts";
import { wantedRoutes, type ExtraRoute } from "../plumbing/wanted-routes.ts";
import type { CniVersion } from "./cni-call.ts";

/** A success result of the CNI spec ("ADD Success"), in the form of the version that the configuration asks for. */
export function formatResult(
  attachment: Attachment,
  { version, extraRoutes }: Readonly<{ version: CniVersion; extraRoutes: readonly ExtraRoute[] }>,
): Record<string, unknown> {
  const count = attachment.nics.length;
  const interfaces = [
    ...attachment.nics.map((nic) => ({ name: nic.hostLink })),
    ...attachment.nics.map((nic) => ({ name: nic.name, mac: nic.mac, sandbox: attachment.netns })),
  ];
  const ips = attachment.nics.map((nic, index) => ({
    // Gone from the spec with 1.0.0.
    ...(version === "0.4.0" ? { version: "4" } : {}),
    interface: count + index,
    address: nic.address,
    gateway: nic.gateway,
  }));
  const routes = wantedRoutes(attachment.nics, extraRoutes)
    .routes.filter(({ table }) => table === mainTable)
    .map(({ destination, gateway }) => ({ dst: destination, ...(gateway ? { gw: gateway } : {}) }));
  return { cniVersion: version, interfaces, ips, routes, dns: {} };
}
