import { setLinkRequest } from "@wcs/netlink";
import { ipOf, type AttachedNic } from "../attachment.ts";
import type { Journal } from "../journal/journal.ts";
import type { Announcer } from "../plumbing/announcer.ts";
import type { HostNetwork } from "../plumbing/host-network.ts";

export type IsolationGuard = Readonly<{ look: () => Promise<void> }>;

type HeldNic = Readonly<{ nic: AttachedNic; bridgeIndex: number; bridgeMac: string }>;

const gatewayTiming = { waitMs: 300, attempts: 2 };
/** Somebody else answers within a millisecond; a rack that has just come back may lose the first question. */
const addressTiming = { waitMs: 300, attempts: 3 };

/**
 * A host whose cable was cut may have lost its instances to another host when it is back. So their ports are shut while the gateway, which is the
 * rack's switch, has been silent for `silentMs` (nothing could be said through it anyway), and each is opened again once nobody else on the rack
 * answers for its address. That needs no server: the fence may come later (docs/adr/0034). `silentMs` must be shorter than what it takes
 * until a host counts as lost.
 */
export function createIsolationGuard(
  options: Readonly<{
    journal: Journal;
    host: HostNetwork;
    announcer: Announcer;
    silentMs: number;
    /** Told when somebody else answered for an address. */
    onConflict: (conflict: Readonly<{ ip: string; mac: string }>) => void;
    log: (line: string) => void;
  }>,
): IsolationGuard {
  const { journal, host, silentMs, log } = options;
  const { netlink, namespace } = host;
  /** When each gateway last answered, by the monotonic clock. One that never has is not judged by. */
  const heardMs = new Map<string, number>();
  let isLooking = false;

  const heldNics = (): HeldNic[] =>
    [...journal.entries.values()]
      .filter(({ phase, attachment }) => phase === "present" && attachment.instance !== null)
      .flatMap(({ attachment }) => attachment.nics)
      .flatMap((nic) => {
        const bridge = host.bridges.get(nic.area);
        return bridge === undefined ? [] : [{ nic, bridgeIndex: bridge.index, bridgeMac: bridge.mac }];
      });

  const setUp = (name: string, up: boolean) => netlink.run([[namespace, setLinkRequest({ name }, { up })]]);

  async function look(): Promise<void> {
    if (isLooking) return;
    isLooking = true;
    try {
      const held = heldNics();
      if (held.length === 0) return;
      const links = new Map((await netlink.listLinks(namespace)).map((link) => [link.name, link]));
      const byGateway = Map.groupBy(held, ({ nic, bridgeIndex }) => `${bridgeIndex} ${nic.gateway}`);
      await Promise.all([...byGateway].map(([key, nics]) => lookAt(key, nics, (name) => links.get(name)?.up)));
    } finally {
      isLooking = false;
    }
  }

  async function lookAt(
    key: string,
    nics: readonly HeldNic[],
    isUp: (link: string) => boolean | undefined,
  ): Promise<void> {
    const [first] = nics;
    if (first === undefined) return;
    const lastMs = heardMs.get(key);
    const isSilent = lastMs !== undefined && performance.now() - lastMs > silentMs;
    const shut = new Set(nics.filter(({ nic }) => isUp(nic.hostLink) === false));
    if (isSilent) {
      for (const held of nics) {
        if (isUp(held.nic.hostLink) !== true) continue;
        await setUp(held.nic.hostLink, false);
        shut.add(held);
      }
      if (shut.size > 0) {
        log(`isolated: gateway ${first.nic.gateway} is silent: ${shut.size} ports of instances are shut`);
      }
    }
    const ask = (ip: string, timing: typeof gatewayTiming) =>
      netlink.probe(namespace, { linkIndex: first.bridgeIndex, fromMac: first.bridgeMac, ip, ...timing });
    if ((await ask(first.nic.gateway, gatewayTiming)) === null) return;
    heardMs.set(key, performance.now());
    for (const { nic, bridgeIndex } of shut) {
      const ip = ipOf(nic);
      const other = await ask(ip, addressTiming);
      if (other !== null) {
        options.onConflict({ ip, mac: other.mac });
        log(`isolated: ${ip} is answered for by another host by now; its port ${nic.hostLink} stays shut`);
        continue;
      }
      await setUp(nic.hostLink, true);
      options.announcer.announce(`opened ${nic.hostLink}`, namespace, [{ linkIndex: bridgeIndex, mac: nic.mac, ip }]);
      log(`isolated no more: ${ip} is nobody else's: its port is open again`);
    }
  }

  return { look };
}
