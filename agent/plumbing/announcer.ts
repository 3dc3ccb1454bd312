import { arpAnnouncement, NetlinkError, type FrameSender, type Namespace, type Netlink } from "@wcs/netlink";

/** A NIC to tell the rack of; `linkIndex` is that of the container's own end. */
export type AnnouncedNic = Readonly<{ linkIndex: number; mac: string; ip: string }>;

/** Says to the rack where addresses are now, and says it again until an attachment ends. */
export type Announcer = Readonly<{
  /** Sends the first announcement before it returns; the others follow by themselves. Throws a `NetlinkError`. */
  announce: (key: string, pod: Namespace, nics: readonly AnnouncedNic[]) => void;
  /** What is ended is not announced any more; the address may be another host's in a moment. */
  stop: (key: string) => void;
  close: () => void;
}>;

/**
 * When an announcement (RFC 5227, 2.3) is said again, in milliseconds after the first. One can be lost: a busy switch, a port that has only
 * just come up. The second still comes within the 50 ms that a neighbour may wait; the last is ANNOUNCE_INTERVAL of the RFC later.
 */
const againAfterMs = [20, 200, 2_000] as const;

/** `onFailure`: told of a repetition that could not be sent, other than for want of its link. */
export function createAnnouncer({
  netlink,
  onFailure,
}: Readonly<{ netlink: Netlink; onFailure: (key: string, error: unknown) => void }>): Announcer {
  const running = new Map<string, { senders: readonly FrameSender[]; timers: readonly NodeJS.Timeout[] }>();
  const stop = (key: string) => {
    const found = running.get(key);
    running.delete(key);
    for (const timer of found?.timers ?? []) clearTimeout(timer);
    for (const sender of found?.senders ?? []) sender.close();
  };
  return {
    announce: (key, pod, nics) => {
      stop(key);
      const said: { sender: FrameSender; frames: readonly Buffer[] }[] = [];
      const say = () => {
        for (const { sender, frames } of said) sender.send(frames);
      };
      try {
        for (const { linkIndex, mac, ip } of nics) {
          said.push({ sender: netlink.openSender(pod, linkIndex), frames: [arpAnnouncement(mac, ip)] });
        }
        say();
      } catch (error) {
        for (const { sender } of said) sender.close();
        throw error;
      }
      const timers = againAfterMs.map((delayMs, index) =>
        setTimeout(() => {
          try {
            say();
          } catch (error) {
            // The container went away, or its owner took its link down, before its DEL came.
            const isGone = error instanceof NetlinkError && ["ENXIO", "ENODEV", "ENETDOWN"].includes(error.code);
            if (!isGone) onFailure(key, error);
          }
          if (index === againAfterMs.length - 1) stop(key);
        }, delayMs),
      );
      running.set(key, { senders: said.map(({ sender }) => sender), timers });
    },
    stop,
    close: () => {
      for (const key of running.keys()) stop(key);
    },
  };
}
