import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addAddressRequest, decodeAddress } from "./address.ts";
import { arpAnnouncement, arpProbe, claimsAddress, neighbourAdvertisement, parseArp } from "./arp.ts";
import { attribute, nested, parseAttributes, text, u32 } from "./attributes.ts";
import { bytesToIp, ipToBytes, macToBytes, prefixToBytes } from "./ip-bytes.ts";
import { addLinkRequest, decodeLink } from "./link.ts";
import { decodeAcknowledgement, decodeMessages, encodeMessage, messageFlags } from "./message.ts";
import { addRouteRequest, decodeRoute } from "./route.ts";
import { addRuleRequest, decodeRule } from "./rule.ts";
import { concatenatedKey, encodeSetTransaction, linkNameKey } from "./set-elements.ts";

describe("attributes", () => {
  it("are padded to four bytes and read back", () => {
    const bytes = Buffer.concat([attribute(3, text("eth0")), nested(18, attribute(1, u32(7)))]);
    assert.equal(bytes.length % 4, 0);
    const read = parseAttributes(bytes);
    assert.equal(read.get(3)?.toString(), "eth0\0");
    assert.equal(
      parseAttributes(read.get(18) ?? Buffer.alloc(0))
        .get(1)
        ?.readUInt32LE(),
      7,
    );
  });

  it("that are cut off end the walk", () => {
    const bytes = Buffer.concat([attribute(1, u32(1)), attribute(2, u32(2))]).subarray(0, 14);
    assert.deepEqual([...parseAttributes(bytes).keys()], [1]);
    assert.equal(parseAttributes(Buffer.from([0, 0, 1, 0])).size, 0);
  });

  it("too long for their length field are refused", () => {
    assert.throws(() => attribute(1, Buffer.alloc(65532)), /at most 65535/);
  });
});

describe("messages", () => {
  it("come back from a datagram of several", () => {
    const one = encodeMessage({ type: 16, flags: 5, sequence: 9, body: Buffer.from("abc") });
    const two = encodeMessage({ type: 17, flags: 1, sequence: 10, body: Buffer.from("") });
    const read = decodeMessages(Buffer.concat([one, two]));
    assert.deepEqual(
      read.map(({ type, sequence, body }) => [type, sequence, body.toString()]),
      [
        [16, 9, "abc"],
        [17, 10, ""],
      ],
    );
  });

  it("that run past their datagram are an error", () => {
    const bytes = encodeMessage({ type: 16, flags: 0, sequence: 1, body: Buffer.alloc(8) });
    bytes.writeUInt32LE(400, 0);
    assert.throws(() => decodeMessages(bytes), /400 bytes/);
  });

  it("of refusal give the kernel's own sentence", () => {
    const body = Buffer.concat([Buffer.alloc(20), attribute(1, text("Device is not a bridge")), attribute(2, u32(24))]);
    body.writeInt32LE(-95, 0);
    const flags = messageFlags.ackCapped | messageFlags.ackAttributes;
    const read = decodeAcknowledgement({ type: 2, flags, sequence: 1, body });
    assert.equal(read.code, "EOPNOTSUPP");
    assert.match(read.detail ?? "", /^Device is not a bridge \(at byte 24/);
  });
});

describe("addresses in text", () => {
  for (const ip of ["10.1.2.3", "::", "::1", "fe80::1:0:0:2", "2001:db8::5", "1:2:3:4:5:6:7:8", "1:0:2::3"]) {
    it(`${ip} comes back as itself`, () => assert.equal(bytesToIp(ipToBytes(ip)), ip));
  }
  it("with a dotted tail are IPv6", () => assert.equal(bytesToIp(ipToBytes("::ffff:10.0.0.1")), "::ffff:a00:1"));
  for (const bad of ["", "10.1.2", "10.1.2.256", "fe80::1%eth0", "x"]) {
    it(`"${bad}" is refused`, () => assert.throws(() => ipToBytes(bad), /not an IP address/));
  }
  for (const bad of ["10.0.0.1/33", "10.0.0.1/", "::1/129", "10.0.0.1/-1"]) {
    it(`"${bad}" is refused as a prefix`, () => assert.throws(() => prefixToBytes(bad)));
  }
  it("MACs that are none are refused", () => assert.throws(() => macToBytes("02:57:0a:64:01"), /not a MAC/));
});

describe("requests", () => {
  it("read back as what they ask for", () => {
    const route = { destination: "10.0.0.0/8", gateway: "10.100.1.254", linkIndex: 2, table: 1001, metric: 5 };
    const body = (request: { body: Buffer }) => ({ type: 0, flags: 0, sequence: 0, body: request.body });
    const { destination, gateway, table, metric } = decodeRoute(body(addRouteRequest(route)));
    assert.deepEqual({ destination, gateway, table, metric, linkIndex: 2 }, route);
    const rule = { priority: 100, table: 1001, from: "10.100.1.20/32" };
    assert.deepEqual(decodeRule(body(addRuleRequest(rule))), { family: "inet", ...rule });
    assert.equal(decodeAddress(body(addAddressRequest(2, "10.1.1.1/24"))).address, "10.1.1.1/24");
    const link = decodeLink(body(addLinkRequest({ name: "w1", kind: "veth", mac: "02:00:00:00:00:01", mtu: 1400 })));
    assert.deepEqual([link.name, link.kind, link.mac, link.mtu], ["w1", "veth", "02:00:00:00:00:01", 1400]);
  });

  for (const name of ["", "sixteen-bytes-xx", "a b", "a/b", "..", "a%d"]) {
    it(`refuse "${name}" as a link's name`, () => {
      assert.throws(() => addLinkRequest({ name, kind: "bridge" }), /not a name for a link/);
    });
  }
});

describe("ARP", () => {
  const asked = { ip: "10.1.1.1", fromMac: "02:00:00:00:00:01" };
  const packet = (bytes: Buffer) => parseArp(bytes) ?? assert.fail("not ARP");

  it("probes without an address of its own and announces with one", () => {
    assert.equal(packet(arpProbe(asked.fromMac, asked.ip)).senderIp, "0.0.0.0");
    assert.equal(packet(arpAnnouncement(asked.fromMac, asked.ip)).senderIp, asked.ip);
  });

  it("counts any sender of the address and any other probe for it as a claim, and nothing else", () => {
    assert.ok(claimsAddress(packet(arpAnnouncement("02:00:00:00:00:02", asked.ip)), asked));
    assert.ok(claimsAddress(packet(arpProbe("02:00:00:00:00:02", asked.ip)), asked));
    assert.ok(!claimsAddress(packet(arpProbe(asked.fromMac, asked.ip)), asked));
    assert.ok(!claimsAddress(packet(arpAnnouncement("02:00:00:00:00:02", "10.1.1.2")), asked));
    const question = { ...packet(arpAnnouncement("02:00:00:00:00:02", "10.1.1.9")), targetIp: asked.ip };
    assert.ok(!claimsAddress(question, asked), "someone who asks for the address does not have it");
  });

  it("leaves alone what is not ARP for IPv4", () => {
    assert.equal(parseArp(Buffer.alloc(20)), null);
    assert.equal(parseArp(neighbourAdvertisement(asked.fromMac, "2001:db8::1")), null);
  });

  it("has a neighbour advertisement of 86 bytes whose checksum holds", () => {
    const frame = neighbourAdvertisement("02:00:00:00:00:01", "2001:db8::1");
    assert.equal(frame.length, 86);
    const pseudo = Buffer.concat([frame.subarray(22, 54), Buffer.from([0, 0, 0, 32, 0, 0, 0, 58]), frame.subarray(54)]);
    let sum = 0;
    for (let offset = 0; offset < pseudo.length; offset += 2) sum += pseudo.readUInt16BE(offset);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    assert.equal(sum, 0xffff);
  });
});

describe("set transactions", () => {
  it("hold a begin, one request a set, and an end, in sequence", () => {
    const key = concatenatedKey([linkNameKey("w1"), macToBytes("02:00:00:00:00:01"), ipToBytes("10.1.1.1")]);
    assert.equal(key.length, 28);
    const { bytes, sequences } = encodeSetTransaction("add", [{ table: "t", set: "s", keys: [key] }], 40);
    assert.deepEqual(sequences, [41]);
    assert.deepEqual(
      decodeMessages(bytes).map(({ type, sequence }) => [type, sequence]),
      [
        [16, 40],
        [0x0a0c, 41],
        [17, 42],
      ],
    );
  });
});
