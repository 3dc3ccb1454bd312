import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { loadTopology, parseTopology, shippedTopologies, topologyFile } from "./load-topology.ts";

const good = readFileSync(topologyFile("two-idc"), "utf8");
const lineOf = (words: string) => {
  assert.ok(good.includes(words), words);
  return good.slice(0, good.indexOf(words)).split("\n").length;
};

/** Each change of the good topology: what is replaced by what, and the reason that has to be given on that line. */
const wrong: readonly { what: string; from: string; to: string; reason: RegExp; at?: string }[] = [
  {
    what: "two subnets that overlap",
    from: "cidr: 10.71.2.0/24",
    to: "cidr: 10.71.1.128/25",
    reason: /^10\.71\.1\.128\/25 overlaps 10\.71\.1\.0\/24 \(racks\.0\.subnets\.0\.cidr\)$/,
  },
  {
    what: "a subnet that overlaps a service network",
    from: "services: 10.96.1.0/24",
    to: "services: 10.71.0.0/16",
    reason: /^10\.71\.0\.0\/16 overlaps /,
  },
  {
    what: "a host without a rack",
    from: "name: idc1-h1, rack: idc1-r1,",
    to: "name: idc1-h1,",
    reason: /^idc1-h1 has no rack/,
  },
  {
    what: "a duplicate IP",
    from: "core: 10.71.1.2, dmz: 10.71.129.2",
    to: "core: 10.71.1.1, dmz: 10.71.129.2",
    reason: /^10\.71\.1\.1 is taken by hosts\.0\.addresses\.core$/,
  },
  {
    what: "a gateway outside its subnet",
    from: "gateway: 10.72.1.254",
    to: "gateway: 10.72.9.254",
    reason: /^10\.72\.9\.254 is outside 10\.72\.1\.0\/24/,
  },
  {
    what: "a cluster's host in another IDC",
    from: "hosts: [idc1-h3, idc1-h4]",
    to: "hosts: [idc1-h3, idc1-h4, idc2-h1]",
    reason: /^host idc2-h1 is in IDC idc2, but cluster idc1-c2 lives in idc1$/,
  },
  {
    what: "a host of two clusters",
    from: "hosts: [idc1-h3, idc1-h4]",
    to: "hosts: [idc1-h3, idc1-h4, idc1-h1]",
    reason: /^host idc1-h1 is already in cluster idc1-c1$/,
  },
  {
    what: "an unknown rack",
    from: "rack: idc2-r2, cpu: 16",
    to: "rack: idc2-r9, cpu: 16",
    reason: /^there is no rack "idc2-r9"; there are: idc1-r1/,
  },
  {
    what: "an unknown host",
    from: "hosts: [idc1-h1, idc1-h2]",
    to: "hosts: [idc1-h1, idc1-h2, idc1-h8]",
    reason: /^there is no host "idc1-h8"$/,
  },
  {
    what: "a range over the gateway",
    from: "fixed: 10.72.1.100-10.72.1.199",
    to: "fixed: 10.72.1.100-10.72.1.254",
    reason: /contains 10\.72\.1\.254/,
  },
  {
    what: "a range over a VM",
    from: "dynamic: 10.72.1.20-10.72.1.99",
    to: "dynamic: 10.72.1.10-10.72.1.99",
    reason: /contains 10\.72\.1\.11, which is vms\.2\.address$/,
  },
  {
    what: "ranges over each other",
    from: "dynamic: 10.72.1.20-10.72.1.99",
    to: "dynamic: 10.72.1.20-10.72.1.150",
    reason: /overlaps the fixed range 10\.72\.1\.100-10\.72\.1\.199$/,
  },
  {
    what: "a range that leaves its subnet",
    from: "fixed: 10.72.1.100-10.72.1.199",
    to: "fixed: 10.72.1.100-10.72.2.9",
    reason: /is not inside 10\.72\.1\.0\/24$/,
  },
  {
    what: "a name too long for an interface",
    from: "name: idc2-d1, rack",
    to: "name: idc2-distribution-1, rack",
    reason: /at most 15 characters/,
  },
  {
    what: "a name that the lab uses",
    from: "name: idc2-v2",
    to: "name: idc2-fw",
    reason: /^"idc2-fw" is already a namespace of IDC idc2$/,
  },
  { what: "a name used twice", from: "name: idc2-v2", to: "name: idc2-h1", reason: /^"idc2-h1" is already hosts\.4$/ },
  {
    what: "a field that there is not",
    from: "cpu: 16, memory: 32Gi",
    to: "cpus: 16, memory: 32Gi",
    reason: /is not a field here; fields: name, rack/,
  },
  {
    what: "a size that is none",
    from: "cpu: 16, memory: 32Gi",
    to: "cpu: 16, memory: 32G",
    reason: /^is "32G", but must be a size such as/,
  },
  {
    what: "an area that there is not",
    from: "area: dmz, address",
    to: "area: dmx, address",
    reason: /^is "dmx", but must be core, dmz or ecn$/,
  },
  {
    what: "an address that is none",
    from: "address: 10.72.1.11",
    to: "address: 10.72.1.311",
    reason: /but must be an IPv4 address/,
  },
  {
    what: "a network with host bits",
    from: "cidr: 10.72.2.0/24",
    to: "cidr: 10.72.2.1/24",
    reason: /but must be an IPv4 network/,
  },
  {
    what: "a rule between an area and itself",
    from: "from: dmz, to: core",
    to: "from: core, to: core",
    reason: /is the same as from/,
  },
  {
    what: "an unknown pool",
    from: "memory: 32Gi, pool: edge",
    to: "memory: 32Gi, pool: egde",
    reason: /^there is no Pool "egde" under estate/,
  },
  {
    what: "a transit that is no /16",
    from: "transit: 10.70.0.0/16",
    to: "transit: 10.70.0.0/17",
    reason: /must be a \/16$/,
  },
  { what: "YAML that is none", from: "cities:\n", to: "cities: ]\n", reason: /./ },
];

describe("a topology", () => {
  it("that is shipped has no fault", () => {
    for (const name of shippedTopologies()) {
      const result = parseTopology(readFileSync(topologyFile(name), "utf8"));
      assert.deepEqual("faults" in result ? result.faults : [], [], name);
    }
  });

  for (const { what, from, to, reason } of wrong) {
    it(`with ${what} is refused on its line`, () => {
      const result = parseTopology(good.replace(from, () => to));
      assert.ok("faults" in result, "nothing was found");
      const found = result.faults.find((fault) => fault.line === lineOf(from) && reason.test(fault.reason));
      assert.ok(found, JSON.stringify(result.faults, null, 1));
    });
  }

  it("with several faults tells them all at once, in the order of their lines", () => {
    const result = parseTopology(
      good
        .replace("name: idc1-h1, rack: idc1-r1,", "name: idc1-h1,")
        .replace("gateway: 10.72.1.254", "gateway: 10.72.9.254")
        .replace("address: 10.72.2.11", "address: 10.72.1.11"),
    );
    assert.ok("faults" in result);
    const lines = result.faults.map((fault) => fault.line);
    assert.deepEqual(
      lines,
      [...lines].sort((a, b) => a - b),
    );
    for (const words of ["name: idc1-h1, rack", "gateway: 10.72.1.254", "address: 10.72.2.11"]) {
      assert.ok(lines.includes(lineOf(words)), words);
    }
  });

  it("with several schema faults tells them all at once", () => {
    const result = parseTopology("name: X\ncities: []\nidcs: 3\n");
    assert.ok("faults" in result);
    assert.ok(result.faults.length >= 8, JSON.stringify(result.faults));
  });

  it("that is empty, a list, or a bomb of aliases is refused without a crash", () => {
    const bomb = `a: &a [x, x, x, x, x, x, x, x, x]\n${"bcdefgh"
      .split("")
      .map((letter, index) => `${letter}: &${letter} [${Array(9).fill(`*${"abcdefg"[index]}`).join(", ")}]`)
      .join("\n")}\n`;
    for (const text of ["", "[]", "3", bomb]) assert.ok("faults" in parseTopology(text), text.slice(0, 20));
  });
});

describe("a topology file that is no topology", () => {
  it("is refused when an alias holds itself", () => {
    const result = parseTopology("a: &a [*a]\n");
    assert.ok("faults" in result);
    assert.match(result.faults[0]?.reason ?? "", /circular/);
  });
  for (const path of ["/tmp", "/dev/zero"]) {
    it(`is refused when it is ${path}`, () => assert.throws(() => loadTopology(path), /is not a file/));
  }
  it("may not write an address with leading zeros, which would be a second name of it", () => {
    const result = parseTopology(good.replace("core: 10.71.1.2,", "core: 10.71.1.02,"));
    assert.ok("faults" in result);
    assert.match(result.faults[0]?.reason ?? "", /10\.71\.1\.02.*IPv4 address/);
  });
});
