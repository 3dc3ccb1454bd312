import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hostLinkName, type Attachment } from "../attachment.ts";
import type { JournalEntry } from "../journal/journal.ts";
import { buildReport, type SeenLink } from "./build-report.ts";

const entry = (
  containerId: string,
  instance: string | null,
  phase: JournalEntry["phase"] = "present",
): JournalEntry => {
  const container = { containerId, ifName: "net1" };
  const attachment: Attachment = {
    ...container,
    network: "underlay",
    netns: "/run/netns/x",
    pod: instance === null ? null : { namespace: "bank", name: `${instance}-0`, uid: `uid-${instance}` },
    instance,
    generation: instance === null ? null : 3,
    nics: [
      {
        name: "net1",
        hostLink: hostLinkName(container, 0),
        bridge: "br-core",
        area: "core",
        address: "10.9.1.20/24",
        mac: "02:57:0a:09:01:14",
        gateway: "10.9.1.254",
        defaultRoute: true,
        internalPrefixes: [],
        routes: [],
        conflictProbe: true,
      },
    ],
    addedAtMs: 0,
  };
  return { attachment, phase };
};
const portOf = ({ attachment }: JournalEntry): SeenLink => ({
  name: attachment.nics[0]?.hostLink ?? "",
  kind: "veth",
  alias: `${attachment.containerId}/net1 10.9.1.20`,
});

describe("a host's report", () => {
  it("has an instance's NIC under the ledger's name for it, once it was committed and while its port is there", () => {
    const app = entry("c1", "app");
    assert.deepEqual(buildReport([app], [portOf(app)]), [
      {
        ip: "10.9.1.20",
        mac: "02:57:0a:09:01:14",
        nic: "eth0",
        instance: "app",
        generation: 3,
        podUid: "uid-app",
        containerId: "c1",
      },
    ]);
    assert.deepEqual(buildReport([app], []), [], "after a reboot nothing has it until the next sandbox is there");
    const adding = entry("c1", "app", "adding");
    assert.deepEqual(buildReport([adding], [portOf(adding)]), []);
  });

  it("has every dynamic address that the journal holds, port or not: its block may not go to another host", () => {
    for (const phase of ["adding", "present"] as const) {
      assert.deepEqual(
        buildReport([entry("c1", null, phase)], []).map(({ ip, instance, podUid }) => [ip, instance, podUid]),
        [["10.9.1.20", null, "c1"]],
      );
    }
  });

  it("has a port that no record knows, with the address in its alias, and nothing of others' links", () => {
    const strange = [
      { name: "wcs0123456789a0", kind: "veth", alias: "lost/eth0 10.9.1.44" },
      { name: "wcs0123456789b0", kind: "veth", alias: null },
      { name: "veth1", kind: "veth", alias: "other/eth0 10.9.1.45" },
      { name: "br-core", kind: "bridge", alias: null },
    ];
    assert.deepEqual(
      buildReport([], strange).map(({ ip, mac, instance, containerId }) => [ip, mac, instance, containerId]),
      [["10.9.1.44", "02:57:0a:09:01:2c", null, "lost"]],
    );
  });

  it("says a container's id that is no name in the API by its hash", () => {
    const [reported] = buildReport([entry("a".repeat(256), null)], []);
    assert.match(reported?.containerId ?? "", /^[0-9a-f]{64}$/);
  });
});
