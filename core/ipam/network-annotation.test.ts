import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { parseNetworkAnnotation, printNetworkAnnotation, type NetworkAnnotation } from "./index.ts";
import { arbitraryNetworkAnnotation } from "./testing/arbitrary-annotation.ts";

const seed = 7;

const dmz: NetworkAnnotation = {
  instance: "0042-1c1-01",
  generation: 3,
  nics: [
    {
      name: "eth0",
      area: "core",
      address: "10.71.1.100/24",
      mac: "02:57:0a:47:01:64",
      gateway: "10.71.1.254",
      defaultRoute: false,
      internalPrefixes: ["10.0.0.0/8", "172.16.0.0/12"],
      routes: [],
      conflictProbe: true,
    },
    {
      name: "eth1",
      area: "dmz",
      address: "10.71.129.100/24",
      mac: "02:57:0a:47:81:64",
      gateway: "10.71.129.254",
      defaultRoute: true,
      internalPrefixes: [],
      routes: [{ to: "198.51.100.0/24", via: "10.71.129.253" }],
      conflictProbe: true,
    },
  ],
};

describe("the network annotation", () => {
  it("is printed and read back as it was, whatever it says", () => {
    fc.assert(
      fc.property(arbitraryNetworkAnnotation, (annotation) => {
        const text = printNetworkAnnotation(annotation);
        assert.deepEqual(parseNetworkAnnotation(text), { ok: true, value: { ...annotation } });
      }),
      { seed, numRuns: 300 },
    );
  });

  it("has one text, whatever the order of its members and lists", () => {
    const [first, second] = dmz.nics;
    assert.ok(first !== undefined && second !== undefined);
    const other = {
      nics: [{ ...first, internalPrefixes: first.internalPrefixes.toReversed() }, second],
      generation: 3,
      instance: "0042-1c1-01",
    };
    assert.equal(printNetworkAnnotation(other), printNetworkAnnotation(dmz));
    assert.deepEqual(parseNetworkAnnotation(JSON.stringify({ version: 1, ...other })), { ok: true, value: dmz });
  });

  it("never throws on any text or JSON, and says something of each that it refuses", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const result = parseNetworkAnnotation(text);
        assert.ok(!result.ok && result.problems.length > 0);
      }),
      { seed, numRuns: 500 },
    );
  });

  it("refuses any one member made something else, and names it", () => {
    const wrong = fc.oneof(fc.constant(null), fc.constant({}), fc.constant("~"), fc.constant(-1), fc.constant([{}]));
    const paths: readonly (readonly (string | number)[])[] = [
      ["version"],
      ["instance"],
      ["generation"],
      ["nics"],
      ...[
        "name",
        "area",
        "address",
        "mac",
        "gateway",
        "defaultRoute",
        "internalPrefixes",
        "routes",
        "conflictProbe",
      ].map((member) => ["nics", 0, member]),
      ["nics", 1, "routes", 0, "to"],
      ["nics", 1, "routes", 0, "via"],
    ];
    fc.assert(
      fc.property(fc.constantFrom(...paths), wrong, (path, value) => {
        const json = JSON.parse(printNetworkAnnotation(dmz)) as Record<string | number, unknown>;
        const last = path.at(-1);
        let parent = json;
        for (const step of path.slice(0, -1)) parent = parent[step] as Record<string | number, unknown>;
        assert.ok(last !== undefined);
        parent[last] = value;
        const result = parseNetworkAnnotation(JSON.stringify(json));
        const text = path
          .map((step) => (typeof step === "number" ? `[${step}]` : `.${step}`))
          .join("")
          .slice(1);
        assert.ok(!result.ok);
        assert.ok(
          result.problems.every((problem) => problem.path.startsWith(text)),
          `${text}: ${JSON.stringify(result.problems)}`,
        );
      }),
      { seed, numRuns: 300 },
    );
  });

  const refused = (change: (nics: Record<string, unknown>[]) => void): readonly string[] => {
    const json = JSON.parse(printNetworkAnnotation(dmz)) as { nics: Record<string, unknown>[] };
    change(json.nics);
    const result = parseNetworkAnnotation(JSON.stringify(json));
    assert.ok(!result.ok);
    return result.problems.map(({ path, problem }) => `${path}: ${problem}`);
  };

  it("refuses NICs that can't be together", () => {
    assert.deepEqual(
      refused(([, second]) => Object.assign(second ?? {}, { defaultRoute: false })),
      ["nics: 0 NICs have the default route"],
    );
    assert.deepEqual(
      refused(([first]) => Object.assign(first ?? {}, { name: "eth1" })),
      ["nics[0].name: the first NIC is the pod's own", "nics[1].name: name eth1 was given before, at nics[0].name"],
    );
    assert.deepEqual(
      refused(([first]) => Object.assign(first ?? {}, { mac: "02:57:0a:47:01:65" })),
      ["nics[0].mac: 02:57:0a:47:01:65 is not the MAC of 10.71.1.100/24"],
    );
    assert.deepEqual(
      refused(([first]) => Object.assign(first ?? {}, { gateway: "10.71.2.254" })),
      ["nics[0].gateway: 10.71.2.254 is no other host of the subnet of 10.71.1.100/24"],
    );
    assert.deepEqual(
      refused(([first]) => Object.assign(first ?? {}, { address: "10.71.1.255/24", mac: "02:57:0a:47:01:ff" })),
      ["nics[0].address: 10.71.1.255/24 is the subnet's network or broadcast address"],
    );
    assert.deepEqual(
      refused(([, second]) =>
        Object.assign(second ?? {}, {
          address: "10.71.1.101/24",
          mac: "02:57:0a:47:01:65",
          gateway: "10.71.1.254",
          routes: [],
        }),
      ),
      ["nics[1].address: 10.71.1.101/24 is in the subnet of nics[0]"],
    );
    assert.deepEqual(
      refused(([, second]) => Object.assign(second ?? {}, { internalPrefixes: ["10.0.0.0/8"] })),
      [
        "nics[1].internalPrefixes: the NIC with the default route needs none",
        "nics[1].internalPrefixes[0]: prefix 10.0.0.0/8 was given before, at nics[0].internalPrefixes[0]",
      ],
    );
    assert.deepEqual(
      refused(([first]) => Object.assign(first ?? {}, { routes: [{ to: "0.0.0.0/0", via: "10.71.1.254" }] })),
      ["nics[0].routes[0].to: that is the default route"],
    );
  });

  it("says of IPv6 that it is not carried", () => {
    assert.deepEqual(
      refused(([first]) => Object.assign(first ?? {}, { address: "2001:db8::14/64", internalPrefixes: ["fd00::/8"] })),
      [
        `nics[0].address: "2001:db8::14/64" is IPv6, which the pods' network does not carry`,
        `nics[0].internalPrefixes[0]: "fd00::/8" is IPv6, which the pods' network does not carry`,
      ],
    );
  });

  it("refuses members that it does not know, and texts that are too long", () => {
    assert.deepEqual(
      refused(([first]) => Object.assign(first ?? {}, { vlan: 12 })),
      ["nics[0].vlan: not a member"],
    );
    const long = parseNetworkAnnotation(" ".repeat(65_537));
    assert.ok(!long.ok);
    assert.match(long.problems[0]?.problem ?? "", /65537 characters are too many/);
  });
});
