import { LinkError, onCall, type LinkHandler } from "@wcs/api/agent-link";
import { instancesOnHost, probeAddress } from "@wcs/api/recovery";
import type { Journal } from "../journal/journal.ts";
import type { ServerCaller } from "../link/server-connection.ts";
import type { HostNetwork } from "../plumbing/host-network.ts";

/** A host that is there answers within a millisecond; a busy one may lose a question. */
const probeTiming = { waitMs: 450, attempts: 3 };

/** What a server may ask of this host for recoveries of others. */
export function recoveryHandlers({
  host,
  journal,
}: Readonly<{ host: HostNetwork; journal: Journal }>): readonly LinkHandler<ServerCaller>[] {
  return [
    onCall(probeAddress, async ({ body: { area, ip } }) => {
      const bridge = host.bridges.get(area);
      if (bridge === undefined) throw new LinkError("host.no-such-area", `this host has no bridge in area ${area}`);
      const { index: linkIndex, mac: fromMac } = bridge;
      const answer = await host.netlink.probe(host.namespace, { linkIndex, fromMac, ip, ...probeTiming });
      return { mac: answer?.mac ?? null };
    }),
    onCall(instancesOnHost, async () => ({
      instances: [...journal.entries.values()].flatMap(({ attachment: { instance, generation } }) =>
        instance === null || generation === null ? [] : [{ instance, generation }],
      ),
    })),
  ];
}
