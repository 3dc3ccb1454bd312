// capture-link.ts LINK: hears every frame of a link of this process's namespace, both ways, by a packet socket (packet(7)). Prints
// "ready" when it listens, and all TCP segments over IPv4 as a JSON list when its standard input ends.
import { bytesToIp, bytesToMac } from "../ip-bytes.ts";
import { openNetlink } from "../netlink.ts";
import { openPacketSocket, receiveFrame } from "../packet-socket.ts";
import type { CapturedSegment } from "./start-capture.ts";

const ETH_P_ALL = 3;
const mostSegments = 10_000;
const readEveryMs = 10;

function segmentOf(frame: Buffer): CapturedSegment | null {
  const isTcp = frame.length >= 54 && frame.readUInt16BE(12) === 0x0800 && frame[23] === 6;
  if (!isTcp) return null;
  const header = 14 + ((frame[14] ?? 0) & 0xf) * 4;
  const flags = frame[header + 13] ?? 0;
  return {
    fromMac: bytesToMac(frame.subarray(6, 12)),
    toMac: bytesToMac(frame.subarray(0, 6)),
    from: `${bytesToIp(frame.subarray(26, 30))}:${frame.readUInt16BE(header)}`,
    to: `${bytesToIp(frame.subarray(30, 34))}:${frame.readUInt16BE(header + 2)}`,
    syn: (flags & 0x02) !== 0,
    ack: (flags & 0x10) !== 0,
  };
}

const [link = ""] = process.argv.slice(2);
const netlink = openNetlink();
const space = await netlink.openNamespace("/proc/self/ns/net");
const { index } = await netlink.getLink(space, { name: link });
const socket = openPacketSocket(ETH_P_ALL, index);
const segments: CapturedSegment[] = [];
const read = () => {
  for (let frame = receiveFrame(socket); frame !== null; frame = receiveFrame(socket)) {
    const segment = segmentOf(frame);
    if (segment !== null && segments.length < mostSegments) segments.push(segment);
  }
};
const timer = setInterval(read, readEveryMs);
process.stdout.write("ready\n");
process.stdin.resume();
process.stdin.once("end", () => {
  clearInterval(timer);
  read();
  process.stdout.write(`${JSON.stringify(segments)}\n`);
  void netlink.close();
});
