import { execFileSync } from "node:child_process";

/** Namespaces of a test rack: the TOR with its two subnets, and a VM in each. */
export type RackSpaces = Readonly<Record<"tor" | "vm" | "dmzVm", string>>;

const areas = ["core", "dmz"] as const;

const batch = (lines: readonly string[], space?: string) =>
  execFileSync("ip", [...(space === undefined ? [] : ["-n", space]), "-batch", "-"], {
    input: `${lines.join("\n")}\n`,
  });

/** Bridged frames past no packet filter; routing where it is meant. */
function setSysctls(space: string, forward: boolean): void {
  const script = `cd /proc/sys/net
for f in bridge/bridge-nf-call-*; do [ ! -e $f ] || echo 0 > $f; done
echo ${forward ? 1 : 0} > ipv4/ip_forward
echo 0 > ipv4/conf/all/rp_filter`;
  execFileSync("nsenter", [`--net=/run/netns/${space}`, "sh", "-c", script]);
}

/** 10.9.1.0/24 (core) and 10.9.2.0/24 (dmz), gateway .254, a VM at .11. */
export function buildRack(spaces: RackSpaces): void {
  const vms = [spaces.vm, spaces.dmzVm];
  batch(Object.values(spaces).map((name) => `netns add ${name}`));
  batch(areas.map((area, at) => `link add eth0 netns ${vms[at]} type veth peer name ${area}-v netns ${spaces.tor}`));
  const torLines = areas.flatMap((area, at) => [
    `link add tor-${area} type bridge`,
    `link set ${area}-v master tor-${area} up`,
    `addr add 10.9.${at + 1}.254/24 dev tor-${area}`,
    `link set tor-${area} up`,
  ]);
  batch(["link set lo up", ...torLines], spaces.tor);
  for (const [at, space] of vms.entries()) {
    const own = `10.9.${at + 1}`;
    batch(
      ["link set lo up", `addr add ${own}.11/24 dev eth0`, "link set eth0 up", `route add default via ${own}.254`],
      space,
    );
  }
  for (const space of Object.values(spaces)) setSysctls(space, space === spaces.tor);
}

/** A host under the rack's TOR, with a bridge and an uplink an area; its own address is 10.9.1.`number`. */
export function joinRack(
  spaces: RackSpaces,
  { hostSpace, number }: Readonly<{ hostSpace: string; number: number }>,
): void {
  batch([`netns add ${hostSpace}`]);
  batch(
    areas.map(
      (area) => `link add up-${area} netns ${hostSpace} type veth peer name ${area}-h${number} netns ${spaces.tor}`,
    ),
  );
  batch(
    areas.map((area) => `link set ${area}-h${number} master tor-${area} up`),
    spaces.tor,
  );
  const bridgeLines = areas.flatMap((area) => [
    `link add br-${area} type bridge`,
    `link set up-${area} master br-${area} up`,
    `link set br-${area} up`,
  ]);
  const ownLines = [`addr add 10.9.1.${number}/24 dev br-core`, "route add default via 10.9.1.254"];
  batch(["link set lo up", ...bridgeLines, ...ownLines], hostSpace);
  setSysctls(hostSpace, false);
}
