import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { down, execForStatus, fault, heal, kubectl, readStatus, up } from "@wcs/lab";
import { applyDemoSet, eventually, readDemoPods } from "./demo-set.ts";
import { labCommand } from "./lab-command.ts";

const reaches = async (place: string, url: string) =>
  (await execForStatus(place, ["curl", "--silent", "--max-time", "2", "--output", "/dev/null", url])).status === 0;

async function nodeIsReady(cluster: string, host: string): Promise<boolean> {
  const path = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}';
  return (await kubectl(cluster, ["get", "node", host, "-o", path])) === "True";
}

describe("the lab's faults", () => {
  before(() => up("small"));
  after(() => down());

  it("cut-host: the node goes NotReady, and Ready again after heal; its pods lived on", async () => {
    const [first] = (await applyDemoSet("idc1-c1", { replicas: 2, version: "1" })).filter(
      (pod) => pod.host === "idc1-h1",
    );
    await fault("cut-host", "idc1-h1");
    assert.equal(await reaches("idc1-h2", "http://10.71.1.1:10248/"), false);
    await eventually("NotReady", 60_000, async () => !(await nodeIsReady("idc1-c1", "idc1-h1")));
    assert.deepEqual((await readStatus({ sampleMs: 0 })).faults, ["cut-host idc1-h1"]);
    await heal("idc1-h1");
    await eventually("Ready", 60_000, () => nodeIsReady("idc1-c1", "idc1-h1"));
    await eventually("pod Ready", 60_000, async () => (await readDemoPods("idc1-c1")).every((pod) => pod.ready));
    assert.equal((await readDemoPods("idc1-c1")).find((pod) => pod.name === first?.name)?.ip, first?.ip);
  });

  it("kill-host: the host is off, and its pods run again after heal", async () => {
    await fault("kill-host", "idc1-h2");
    const off = await execForStatus("idc1-h1", [
      "curl",
      "--silent",
      "--max-time",
      "2",
      "--insecure",
      "https://10.71.1.2:10250/",
    ]);
    assert.notEqual(off.status, 0);
    const status = await readStatus({ sampleMs: 0 });
    assert.equal(status.clusters[0]?.hosts[1]?.on, false);
    assert.deepEqual(status.stopped, ["idc1-h2/containerd", "idc1-h2/init", "idc1-h2/kubelet"]);
    await heal("idc1-h2");
    await eventually("Ready", 60_000, () => nodeIsReady("idc1-c1", "idc1-h2"));
    await eventually("pods Ready", 60_000, async () => {
      const pods = await readDemoPods("idc1-c1");
      if (!pods.every((pod) => pod.ready)) return false;
      const on = pods.find((pod) => pod.host === "idc1-h2");
      return on !== undefined && (await reaches("idc2-v1", `http://${on.ip}:8080/`));
    });
  });

  it("cut-rack: nothing in the rack reaches anything, not even its neighbours", async () => {
    assert.equal(await reaches("idc2-v1", "http://10.71.250.5:5000/v2/"), true);
    assert.equal(await reaches("idc1-h1", "http://10.71.250.5:5000/v2/"), true);
    await fault("cut-rack", "idc1-r1");
    assert.equal(await reaches("idc1-h1", "http://10.71.250.5:5000/v2/"), false);
    assert.equal((await execForStatus("idc1-h1", ["ping", "-c1", "-W1", "10.71.1.2"])).status === 0, false);
    await heal("idc1-r1");
    assert.equal(await reaches("idc1-h1", "http://10.71.250.5:5000/v2/"), true);
  });

  it("cut-idc: an IDC reaches itself, and neither the other nor this machine", async () => {
    await fault("cut-idc", "idc2");
    assert.equal(await reaches("idc2-v1", "http://10.71.250.5:5000/v2/"), false);
    assert.equal(
      await reaches("idc2-v1", "https://10.72.250.11/"),
      false,
      "curl must fail on the certificate, not on the way",
    );
    assert.equal(
      (await execForStatus("idc2-v1", ["curl", "-sk", "--max-time", "2", "https://10.72.250.11/"])).status,
      0,
    );
    const status = await readStatus({ sampleMs: 0 });
    assert.deepEqual(
      status.clusters.map((cluster) => cluster.apiReachable),
      [true, false],
    );
    await heal();
    await eventually("API server reached", 10_000, async () =>
      (await readStatus({ sampleMs: 0 })).clusters.every((each) => each.apiReachable),
    );
    assert.equal(await reaches("idc2-v1", "http://10.71.250.5:5000/v2/"), true);
  });

  it("cut-cluster and stop-apiserver: that control plane is away, the rest is not", async () => {
    for (const kind of ["cut-cluster", "stop-apiserver"]) {
      await fault(kind, "idc2-c1");
      const status = await readStatus({ sampleMs: 0 });
      assert.deepEqual(
        status.clusters.map((cluster) => cluster.apiReachable),
        [true, false],
        kind,
      );
      assert.equal(await reaches("idc1-h1", "http://10.72.1.11:8080/"), true, "the VM beside it");
      await heal("idc2-c1");
      await eventually("API server reached", 30_000, async () =>
        (await readStatus({ sampleMs: 0 })).clusters.every((each) => each.apiReachable),
      );
    }
  });

  it("pause: a stopped program answers nothing until it is healed", async () => {
    await fault("pause", "idc2-v1/service");
    assert.equal(await reaches("idc1-h1", "http://10.72.1.11:8080/"), false);
    await heal("idc2-v1/service");
    assert.equal(await reaches("idc1-h1", "http://10.72.1.11:8080/"), true);
  });

  it("heals what is broken when up is run again", async () => {
    await fault("cut-host", "idc2-h1");
    await fault("kill-host", "idc1-h1");
    const again = await labCommand(["up", "small", "--no-figures"]);
    assert.equal(again.status, 0, again.stderr);
    const status = await readStatus({ sampleMs: 0 });
    assert.deepEqual([status.faults, status.stopped], [[], []]);
    assert.ok(status.clusters.every((cluster) => cluster.hosts.every((host) => host.ready)));
  });

  it("lists the kinds and the targets when one is wrong", async () => {
    const kind = await labCommand(["fault", "cut-hots", "idc1-h1"]);
    assert.equal(kind.status, 2);
    assert.match(kind.stderr, /did you mean "cut-host"\?[\s\S]*cut-rack idc1-r1\|idc2-r1/);
    const target = await labCommand(["fault", "cut-host", "idc1-h7"]);
    assert.deepEqual(
      [target.status, target.stderr],
      [3, 'wcs-lab: cut-host: there is no "idc1-h7". There are: idc1-h1, idc1-h2, idc2-h1\n'],
    );
    assert.equal((await labCommand(["fault", "heal", "idc1-h1"])).status, 3);
  });
});
