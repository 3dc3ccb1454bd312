import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadTopology, topologyFile } from "../topology/load-topology.ts";
import {
  findCollisions,
  hostsInEnvironment,
  usesInConnections,
  usesInResolver,
  usesInRoutes,
  type MachineUse,
} from "./collisions.ts";
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
  const clashes = (uses: readonly MachineUse[]) => findCollisions(topology, uses).join("\n");

  it("may not meet the machine's own routes and addresses, and each clash is named", () => {
    const uses = usesInRoutes([
      { dst: "default", dev: "eth0" },
      { dst: "10.71.1.77", dev: "eth0", type: "local" },
      { dst: "10.64.0.0/10", dev: "vpn0" },
      { dst: "10.72.1.0/24", dev: "wcs-lab0" },
    ]);
    assert.match(
      clashes(uses),
      /^10\.71\.1\.0\/24 \(racks\.0\.subnets\.0\.cidr\) contains or overlaps 10\.71\.1\.77, an address of this machine on eth0$/m,
    );
    assert.match(
      clashes(uses),
      /^10\.70\.0\.0\/16 \(transit\) contains or overlaps 10\.64\.0\.0\/10, a route of this machine on vpn0$/m,
    );
    assert.equal(
      clashes(
        usesInRoutes([
          { dst: "192.0.2.0/24", dev: "eth0" },
          { dst: "10.72.1.0/24", dev: "wcs-lab0" },
        ]),
      ),
      "",
    );
  });

  it("may not contain a name server", () => {
    assert.match(clashes(usesInResolver("search x\nnameserver 10.72.2.53\n")), /10\.72\.2\.53, a name server/);
    assert.equal(clashes(usesInResolver("# nameserver 10.72.2.53\nnameserver 192.0.2.1\n")), "");
  });

  it("may not contain the peer of an established connection, IPv4 or mapped", () => {
    const head = "  sl  local_address rem_address   st\n";
    const established = `${head}   0: 020200C0:D2B2 05FA470A:01BB 01 0\n   1: 020200C0:D2B2 0102470A:01BB 06 0\n`;
    assert.deepEqual(
      usesInConnections(established).map((use) => use.cidr),
      ["10.71.250.5"],
    );
    const mapped = `${head}   0: 0000000000000000FFFF0000020200C0:D2B2 0000000000000000FFFF00000B02480A:01BB 01 0\n`;
    assert.match(clashes(usesInConnections(mapped)), /10\.72\.2\.11, which this machine has a connection to/);
  });

  it("are compared with the hosts of proxies and registries", () => {
    const found = hostsInEnvironment({
      HTTPS_PROXY: "http://proxy:3128",
      GOPROXY: "http://10.71.1.9/go,direct",
      PATH: "/bin",
      npm_config_registry: "http://npm.example/",
    });
    assert.deepEqual(
      found.map(({ host }) => host),
      ["proxy", "10.71.1.9", "npm.example"],
    );
  });

  it("never make this machine send what is meant for the outside into the lab", () => {
    assert.ok(plan.root.routes.every((route) => route.cidr !== topology.outside.cidr));
  });
});
