import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Ajv } from "ajv";
import { parseAllDocuments } from "yaml";
import { estateDocumentSchema, type EstateKind } from "@wcs/core/estate";
import {
  down,
  execForStatus,
  execIn,
  execInPod,
  execInPodForStatus,
  kubectl,
  readState,
  up,
  type LabState,
} from "@wcs/lab";
import { applyDemoSet, readDemoPods, type DemoPod } from "./demo-set.ts";
import { labCommand } from "./lab-command.ts";

const curl = (url: string) => ["curl", "--silent", "--show-error", "--max-time", "3", url];
/** curl's "could not connect" and "timed out": nothing answered. */
const noAnswer = [7, 28];

describe("the lab two-idc", () => {
  let state: LabState;
  let near: DemoPod[];
  let far: DemoPod[];
  before(async () => {
    state = await up("two-idc");
    [near, far] = await Promise.all([
      applyDemoSet("idc1-c1", { replicas: 4, version: "1" }),
      applyDemoSet("idc2-c1", { replicas: 3, version: "1" }),
    ]);
  });
  after(() => down());

  const podOn = (pods: DemoPod[], host: string) => {
    const pod = pods.find((candidate) => candidate.host === host);
    assert.ok(pod, `no pod on ${host}`);
    return pod;
  };

  it("has every node Ready through each cluster's kubeconfig, well within 30 s", async () => {
    for (const cluster of state.topology.clusters) {
      const nodes = await kubectl(cluster.name, ["get", "nodes", "--no-headers"]);
      assert.equal(nodes.match(/ Ready /g)?.length, cluster.hosts.length, nodes);
      const shown = await labCommand(["kubeconfig", cluster.name]);
      assert.match(shown.stdout, new RegExp(`https://${cluster.address}:443`));
    }
    assert.ok(state.readySeconds !== null && state.readySeconds < 30, `took ${state.readySeconds} s`);
  });

  it("reports the capacity of the topology to Kubernetes", async () => {
    const host = state.topology.hosts[0];
    const capacity = await kubectl("idc1-c1", [
      "get",
      "node",
      "idc1-h1",
      "-o",
      "jsonpath={.status.capacity.cpu} {.status.capacity.memory}",
    ]);
    assert.equal(capacity, `${host?.cpu} ${host?.memory}`);
    const labels = await kubectl("idc1-c1", ["get", "node", "idc1-h1", "-o", "jsonpath={.metadata.labels}"]);
    assert.match(labels, /"topology.kubernetes.io\/zone":"idc1".*"wcs-lab\/rack":"idc1-r1"/);
  });

  it("gives a StatefulSet's pods addresses of their rack", () => {
    for (const pod of [...near, ...far]) {
      const host = state.topology.hosts.find((candidate) => candidate.name === pod.host);
      const rack = state.topology.racks.find((candidate) => candidate.name === host?.rack);
      const [area] = Object.keys(host?.addresses ?? {});
      const subnet = rack?.subnets.find((candidate) => candidate.area === area);
      assert.equal(
        pod.ip.split(".").slice(0, 3).join("."),
        subnet?.cidr.split(".").slice(0, 3).join("."),
        JSON.stringify(pod),
      );
    }
    assert.equal(new Set([...near, ...far].map((pod) => pod.ip)).size, 7);
  });

  it("lets a pod in IDC 1 reach a pod in another rack, a pod in IDC 2 and a VM in IDC 2", async () => {
    const from = podOn(near, "idc1-h1").name;
    for (const target of [podOn(near, "idc1-h2"), podOn(far, "idc2-h1")]) {
      const answer = JSON.parse(await execInPod("idc1-c1", from, curl(`http://${target.ip}:8080/`))) as {
        hostname: string;
        ips: string[];
      };
      assert.deepEqual([answer.hostname, answer.ips], [target.name, [target.ip]]);
    }
    const vm = JSON.parse(await execInPod("idc1-c1", from, curl("http://10.72.1.11:8080/"))) as { hostname: string };
    assert.equal(vm.hostname, "idc2-v1");
  });

  it("does not let a pod in IDC 1 reach a dmz host, nor a pod or a VM there", async () => {
    const from = podOn(near, "idc1-h1").name;
    const edge = podOn(far, "idc2-d1");
    for (const url of ["https://10.72.130.1:10250/", `http://${edge.ip}:8080/`, "http://10.71.130.11:8080/"]) {
      const { status } = await execInPodForStatus("idc1-c1", from, curl(url));
      assert.ok(noAnswer.includes(status), `${url}: curl ended with ${status}`);
    }
  });

  it("joins core and dmz through the firewall only, whose rules it shows", async () => {
    const inner = podOn(near, "idc1-h1").ip;
    assert.match(await execIn("idc1-v2", curl(`http://${inner}:8080/`)), /"version":"1"/);
    const other = await execForStatus("idc1-v2", curl(`http://${inner}:9090/`));
    assert.ok(noAnswer.includes(other.status), "a port that no rule names must not pass");
    const rules = await labCommand(["firewall", "idc1"]);
    assert.match(
      rules.stdout,
      /iifname "dmz" oifname "core" tcp dport 8080 counter packets [1-9]\d* .*gateways call services/,
    );
    assert.match(rules.stdout, /counter packets [1-9]\d* .*comment "dropped"/);
  });

  it("shows the dmz, and nothing else, to the outside", async () => {
    assert.match(await execIn("outside", curl("http://10.71.130.11:8080/")), /"hostname":"idc1-v2"/);
    const inner = await execForStatus("outside", curl("http://10.71.1.11:8080/"));
    assert.ok(noAnswer.includes(inner.status));
  });

  it("has kubernetes.default where pods look for it, core and dmz", async () => {
    const tokenless = [
      "curl",
      "--silent",
      "--insecure",
      "--max-time",
      "3",
      "--output",
      "/dev/null",
      "--write-out",
      "%{http_code}",
    ];
    const core = await execInPod("idc1-c1", podOn(near, "idc1-h1").name, [...tokenless, "https://10.96.1.1/version"]);
    const dmz = await execInPod("idc2-c1", podOn(far, "idc2-d1").name, [...tokenless, "https://10.96.3.1/version"]);
    assert.deepEqual([core, dmz], ["401", "401"]);
  });

  it("reaches kubelets in every area for logs, and has the pods' access log", async () => {
    const edge = podOn(far, "idc2-d1");
    assert.match(await kubectl("idc2-c1", ["logs", edge.name]), /GET "\/ready" 200/);
  });

  it("replaces the application by another version from its own registry, by tag and by digest", async () => {
    const pods = await applyDemoSet("idc2-c1", { replicas: 3, version: "2" });
    assert.match(await execIn("idc2-v1", curl(`http://${podOn(pods, "idc2-h1").ip}:8080/`)), /"version":"2"/);
    const head = await fetch("http://10.71.250.5:5000/v2/demo/manifests/3", {
      headers: {
        accept: "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json",
      },
    });
    const digest = head.headers.get("docker-content-digest");
    assert.match(digest ?? "", /^sha256:/);
    await kubectl("idc2-c1", ["set", "image", "statefulset/demo", `main=registry.lab.wcs/demo@${digest}`]);
    await kubectl("idc2-c1", ["rollout", "status", "statefulset/demo", "--timeout=90s"]);
    const after = podOn(await readDemoPods("idc2-c1"), "idc2-h1");
    assert.match(await execIn("idc2-v1", curl(`http://${after.ip}:8080/`)), /"version":"3"/);
  });

  it("finishes a slow request while it stops", async () => {
    const pod = podOn(near, "idc1-h2");
    const slow = execIn("idc1-v1", ["curl", "--silent", "--max-time", "10", `http://${pod.ip}:8080/?delay=3000`]);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await kubectl("idc1-c1", ["delete", "pod", pod.name, "--wait=false"]);
    assert.match(await slow, new RegExp(`"hostname":"${pod.name}"`));
  });

  it("is the same after a second up, with the same processes", async () => {
    const pids = async () => (await execIn("idc1-h1", ["cat", "/proc/self/mounts"])).length > 0 && readState();
    const first = await pids();
    const again = await labCommand(["up", "--no-figures"]);
    assert.equal(again.status, 0, again.stderr);
    assert.deepEqual(await pids(), first);
    const status = JSON.parse((await labCommand(["status", "-o", "json"])).stdout) as {
      stopped: string[];
      startedAt: string;
    };
    assert.deepEqual([status.stopped, status.startedAt], [[], state.startedAt]);
  });

  it("refuses another topology while one is up", async () => {
    const other = await labCommand(["up", "small"]);
    assert.equal(other.status, 1);
    assert.match(other.stderr, /topology two-idc is up.*wcs-lab down/);
  });

  it("tells its memory and idle CPU, under 3 GiB and 0.3 core", async () => {
    const { stdout } = await labCommand(["status", "-o", "json"]);
    const { figures } = JSON.parse(stdout) as { figures: { memoryMiB: number; cpuCores: number } };
    assert.ok(figures.memoryMiB > 300 && figures.memoryMiB < 3072, `${figures.memoryMiB} MiB`);
    console.log(
      `two-idc: Ready after ${state.readySeconds?.toFixed(1)} s, ${figures.memoryMiB} MiB, ${figures.cpuCores} cores`,
    );
  });

  it("describes itself as estate data that WCS's own schemas take", async () => {
    const { stdout } = await labCommand(["estate"]);
    const ajv = new Ajv({
      allErrors: true,
      strict: false,
      formats: { ipv4: true, "ipv4-cidr": true, "ipv4-range": true },
    });
    const kinds = new Map<string, number>();
    for (const document of parseAllDocuments(stdout)) {
      const value = document.toJS() as { kind: EstateKind };
      kinds.set(value.kind, (kinds.get(value.kind) ?? 0) + 1);
      const valid = ajv.validate(estateDocumentSchema(value.kind), value);
      assert.ok(valid, `${JSON.stringify(value)}: ${ajv.errorsText()}`);
    }
    assert.deepEqual([kinds.get("Host"), kinds.get("VM"), kinds.get("Cluster"), kinds.get("Rack")], [7, 4, 3, 4]);
  });

  it("answers a name that there is not with the names that there are", async () => {
    const cluster = await labCommand(["kubeconfig", "idc9-c1"]);
    assert.deepEqual(
      [cluster.status, cluster.stderr],
      [3, 'wcs-lab: there is no cluster "idc9-c1". There are: idc1-c1, idc1-c2, idc2-c1\n'],
    );
    const log = await labCommand(["logs", "idc1-h1/kublet"]);
    assert.equal(log.status, 3);
    assert.match(log.stderr, /idc1-h1\/kubelet/);
    assert.match((await labCommand(["logs", "idc1-h1/kubelet"])).stdout, /kubelet/);
  });
});
