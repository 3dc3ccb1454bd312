import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadTopology, topologyFile } from "../topology/load-topology.ts";
import { findCollisions } from "./collisions.ts";
import { firewallRules } from "./firewall.ts";
import { planFabric, serviceAddress } from "./plan-fabric.ts";

const topology = loadTopology(topologyFile("two-idc"));
const plan = planFabric(topology);

describe("the plan of the lab's network", () => {
  it("gives every link two ends in namespaces that it makes, each name once in its namespace", () => {
    const ends = plan.links.flatMap(({ a, b }) => [a, b]);
    for (const end of ends) {
      assert.ok(plan.namespaces.includes(end.netns), end.netns);
      assert.ok(end.name.length <= 15, end.name);
    }
    assert.equal(new Set(ends.map((end) => `${end.netns} ${end.name}`)).size, ends.length);
  });

  it("gives every host a bridge and an uplink in each of its areas, and one default route", () => {
    const lines = plan.config.get("idc1-h3") ?? [];
    for (const area of ["core", "dmz"]) {
      assert.ok(lines.includes(`link set up-${area} master br-${area} up`), lines.join("\n"));
    }
    assert.equal(lines.filter((line) => line.startsWith("route add default")).length, 1);
  });

  it("sends what leaves an IDC's dmz for a far core through the far IDC", () => {
    assert.ok(plan.config.get("idc1-dmz")?.includes("route add 10.72.1.0/24 via 10.70.1.2"));
    assert.ok(
      !plan.config.get("idc1-dmz")?.some((line) => line.startsWith("route add 10.71.1.0/24")),
      "the near core lies behind the near firewall",
    );
  });

  it("routes kubernetes.default of each cluster to its control plane", () => {
    assert.equal(serviceAddress("10.96.3.0/24"), "10.96.3.1");
    assert.ok(plan.config.get("idc2-core")?.includes("route add 10.96.3.1/32 via 10.72.250.11"));
  });

  it("drops in the firewall what no rule allows", () => {
    const rules = firewallRules(topology);
    assert.match(
      rules,
      /policy drop;[\s\S]*iifname "outside" oifname "dmz" tcp dport \{ 80, 443, 8080 \} counter accept/,
    );
    assert.doesNotMatch(rules, /iifname "core" oifname "dmz" tcp/);
  });
});

describe("a topology's networks on a machine", () => {
  it("may not meet the machine's own routes, and each clash is named", () => {
    const routes = [
      { dst: "default", dev: "eth0" },
      { dst: "10.71.1.77", dev: "eth0", type: "local" },
      { dst: "10.64.0.0/10", dev: "vpn0" },
      { dst: "10.72.1.0/24", dev: "wcs-lab0" },
    ];
    const found = findCollisions(topology, routes);
    assert.ok(
      found.includes("10.71.1.0/24 (racks.0.subnets.0.cidr) overlaps the machine's 10.71.1.77 on eth0"),
      found.join("\n"),
    );
    assert.ok(
      found.some((line) => line.startsWith("10.70.0.0/16 (transit) overlaps the machine's 10.64.0.0/10 on vpn0")),
    );
    assert.deepEqual(findCollisions(topology, [{ dst: "192.0.2.0/24", dev: "eth0" }]), []);
  });
});
