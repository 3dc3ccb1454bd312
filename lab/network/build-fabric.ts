import { readdirSync, existsSync } from "node:fs";
import { run, runForStatus } from "../process/run.ts";
import { netnsFile, netnsPrefix, rootLink } from "../state/paths.ts";
import type { Topology } from "../topology/schema.ts";
import { firewallRules } from "./firewall.ts";
import { firewallName, rootLinkLines, type FabricPlan } from "./plan-fabric.ts";

export const batch = (lines: readonly string[], netns?: string) =>
  run("ip", [...(netns === undefined ? [] : ["-n", `${netnsPrefix}${netns}`]), "-batch", "-"], {
    input: `${lines.join("\n")}\n`,
  });

/** Makes every namespace, link, address, route and firewall of the plan. Expects that none of it exists. */
export async function buildFabric(plan: FabricPlan, topology: Topology): Promise<void> {
  await batch(plan.namespaces.map((name) => `netns add ${netnsPrefix}${name}`));
  await batch([
    ...plan.links.map(
      ({ a, b }) =>
        `link add name ${a.name} netns ${netnsPrefix}${a.netns} type veth peer name ${b.name} netns ${netnsPrefix}${b.netns}`,
    ),
    `link add name ${rootLink} type veth peer name ${plan.root.peer.name} netns ${netnsPrefix}${plan.root.peer.netns}`,
  ]);
  await Promise.all(
    plan.namespaces.map(async (name) => {
      await setSysctls(name, plan.forwarding.includes(name));
      await batch(plan.config.get(name) ?? [], name);
    }),
  );
  await Promise.all(
    topology.idcs.map((idc) =>
      run("nsenter", [`--net=${netnsFile(firewallName(idc.name))}`, "nft", "-f", "-"], {
        input: firewallRules(topology),
      }),
    ),
  );
  await batch(rootLinkLines(plan));
}

/** Forwarding where it is meant, IPv4 only, bridged traffic past no packet filter, each address answered only where it is. */
const sysctlScript = `
set -e
cd /proc/sys/net
echo "$1" > ipv4/ip_forward
for file in bridge/bridge-nf-call-iptables bridge/bridge-nf-call-ip6tables bridge/bridge-nf-call-arptables; do
  [ ! -e "$file" ] || echo 0 > "$file"
done
echo 1 > ipv6/conf/all/disable_ipv6 2> /dev/null || true # a kernel without IPv6 has nothing to turn off
echo 1 > ipv6/conf/default/disable_ipv6 2> /dev/null || true
echo 0 > ipv4/conf/all/rp_filter
echo 1 > ipv4/conf/all/arp_ignore
echo 2 > ipv4/conf/all/arp_announce
`;
const setSysctls = (netns: string, forward: boolean) =>
  run("nsenter", [`--net=${netnsFile(netns)}`, "sh", "-c", sysctlScript, "sh", forward ? "1" : "0"]);

/** The lab's namespaces that there are, without their prefix. */
export function existingNamespaces(): string[] {
  if (!existsSync("/run/netns")) return [];
  return readdirSync("/run/netns")
    .filter((name) => name.startsWith(netnsPrefix))
    .map((name) => name.slice(netnsPrefix.length))
    .sort();
}

/** Takes away all of it, however much of it there is. Processes in it must have ended. */
export async function removeFabric(): Promise<void> {
  const { status } = await runForStatus("ip", ["link", "show", "dev", rootLink]);
  if (status === 0) await run("ip", ["link", "del", "dev", rootLink]);
  const names = existingNamespaces();
  if (names.length > 0) await batch(names.map((name) => `netns del ${netnsPrefix}${name}`));
}

/** Turns one end of a link on or off; the other end loses or gets its carrier, as with a pulled cable. */
export const setLink = (end: { netns: string; name: string }, state: "up" | "down") =>
  batch([`link set ${end.name} ${state}`], end.netns);
