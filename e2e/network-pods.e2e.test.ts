import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import {
  dynamicBlockAnnotationName,
  macOfAddress,
  networkAnnotationName,
  printDynamicBlockGrant,
  printNetworkAnnotation,
} from "@wcs/core/ipam";
import { parseIpv4Address } from "@wcs/core/ipv4";
import { down, execForStatus, execIn, fault, heal, hostRunDir, kubectl, up } from "@wcs/lab";
import { startCapture } from "@wcs/netlink/testing";
import { eventually } from "./demo-set.ts";

const agentFolder = fileURLToPath(new URL("../agent/", import.meta.url));
const cluster = "idc1-c1";
const curl = (url: string) => ["curl", "--silent", "--show-error", "--insecure", "--max-time", "3", url];

type Nic = Readonly<{ area: "core" | "dmz"; ip: string }>;
type Instance = Readonly<{ name: string; host: string; nics: readonly Nic[]; version?: string }>;

function annotationOf({ name, nics }: Instance): string {
  const outward = nics.some(({ area }) => area === "dmz") ? "dmz" : "core";
  return printNetworkAnnotation({
    instance: name,
    generation: 1,
    nics: nics.map(({ area, ip }, index) => ({
      name: `eth${index}`,
      area,
      address: `${ip}/24`,
      mac: macOfAddress(parseIpv4Address(ip) ?? 0),
      gateway: area === "core" ? "10.71.1.254" : "10.71.129.254",
      defaultRoute: area === outward,
      internalPrefixes: area === outward ? [] : ["10.0.0.0/8"],
      routes: [],
      conflictProbe: true,
    })),
  });
}

/** An instance as WCS makes one: a StatefulSet of one that lives on its host. `nics` empty: a pod without an annotation. */
async function applyInstance(instance: Instance): Promise<void> {
  const { name, host, nics, version = "1" } = instance;
  const manifest = {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name },
    spec: {
      serviceName: name,
      replicas: 1,
      updateStrategy: { type: "OnDelete" },
      selector: { matchLabels: { app: name } },
      template: {
        metadata: {
          labels: { app: name },
          annotations: nics.length === 0 ? {} : { [networkAnnotationName]: annotationOf(instance) },
        },
        spec: {
          terminationGracePeriodSeconds: 1,
          tolerations: [{ operator: "Exists" }],
          nodeSelector: { "kubernetes.io/hostname": host },
          containers: [
            {
              name: "main",
              image: `registry.lab.wcs/demo:${version}`,
              readinessProbe: { httpGet: { path: "/ready", port: 8080 }, periodSeconds: 1 },
            },
          ],
        },
      },
    },
  };
  await kubectl(cluster, ["apply", "-f", "-"], JSON.stringify(manifest));
}

type Pod = {
  metadata: { uid: string };
  spec: { nodeName?: string };
  status: {
    podIP?: string;
    conditions?: { type: string; status: string }[];
    containerStatuses?: { image: string; restartCount: number }[];
  };
};
const podOf = async (name: string) =>
  JSON.parse(await kubectl(cluster, ["get", "pod", `${name}-0`, "-o", "json"])) as Pod;
const isReady = (pod: Pod) =>
  pod.status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;

async function waitReady(name: string, ok: (pod: Pod) => boolean = () => true): Promise<Pod> {
  let pod: Pod | null = null;
  await eventually(`${name} Ready`, 60_000, async () => {
    pod = await podOf(name).catch(() => null);
    return pod !== null && isReady(pod) && ok(pod);
  });
  assert.ok(pod);
  return pod;
}

/** Grants a host a block, as the server does (e2e/main-job has the server's own). */
async function grantBlock(host: string, block: string): Promise<void> {
  const grant = printDynamicBlockGrant({
    host,
    generation: 1,
    subnet: "idc1-r1-core",
    area: "core",
    cidr: "10.71.1.0/24",
    gateway: "10.71.1.254",
    conflictProbe: true,
    blocks: [block],
  });
  await kubectl(cluster, ["annotate", "--overwrite", "node", host, `${dynamicBlockAnnotationName}=${grant}`]);
}

type Status = {
  pid: number;
  attachments: { key: string; pod: { name: string } | null; nics: { ip: string; mac: string }[] }[];
};
async function agentStatus(host: string): Promise<Status> {
  const socket = join(hostRunDir(host), "wcs-agent.sock");
  return JSON.parse(
    await execIn(host, [join(agentFolder, "bin/wcs-agent"), "status", "--socket", socket, "-o", "json"]),
  ) as Status;
}

/** The words that run a program of the machine in a pod's network namespace. */
async function podSpace(host: string, ip: string): Promise<readonly string[]> {
  const file = await inPod(host, ip, ["sh", "-c", "readlink /proc/self/ns/net"]);
  const script = `for p in /proc/[0-9]*; do if [ "$(readlink $p/ns/net)" = "$0" ]; then echo "$p"; exit 0; fi; done; exit 1`;
  const holder = await execIn(host, ["sh", "-c", script, file.trim()]);
  return ["nsenter", `--net=${holder.trim()}/ns/net`];
}

/** Runs a program in a pod's network namespace, found by its address. */
async function inPod(host: string, ip: string, argv: readonly string[]): Promise<string> {
  const script = `for f in /run/netns/*; do if nsenter --net=$f ip -4 addr | grep -q " $0/"; then exec nsenter --net=$f "$@"; fi; done; echo "no pod has $0" >&2; exit 1`;
  return execIn(host, ["sh", "-c", script, ip, ...argv]);
}

describe("pods on the underlay, by wecni on the lab's hosts", () => {
  const app: Instance = { name: "app", host: "idc1-h1", nics: [{ area: "core", ip: "10.71.1.110" }] };
  const mac = "02:57:0a:47:01:6e";

  before(async () => {
    await up("small", { cni: join(agentFolder, "bin/wecni-lab") });
    await applyInstance(app);
    await waitReady("app");
  });
  after(() => down());

  it("have exactly the address and the MAC of their annotation, and kubelet's probes reach them", async () => {
    const pod = await podOf("app");
    assert.equal(pod.status.podIP, "10.71.1.110");
    const link = await inPod("idc1-h1", "10.71.1.110", ["ip", "-j", "link", "show", "eth0"]);
    assert.equal((JSON.parse(link) as { address: string }[])[0]?.address, mac);
    const routes = JSON.parse(await inPod("idc1-h1", "10.71.1.110", ["ip", "-j", "route"])) as {
      dst: string;
      gateway?: string;
    }[];
    assert.deepEqual(
      routes.map(({ dst, gateway }) => [dst, gateway]),
      [
        ["default", "10.71.1.254"],
        ["10.71.1.0/24", undefined],
      ],
    );
  });

  it("are reached by hosts of their rack and of another data centre, and by VMs through the firewall", async () => {
    for (const from of ["idc1-h1", "idc1-h2", "idc2-h1", "idc2-v1", "idc1-v1"]) {
      assert.match(await execIn(from, curl("http://10.71.1.110:8080/")), /"hostname":"app-0"/, from);
    }
  });

  it("reach kubernetes.default and the TOR", async () => {
    const answer = await inPod("idc1-h1", "10.71.1.110", curl("https://10.96.1.1:443/version"));
    assert.match(answer, /gitVersion|Unauthorized|Forbidden/);
  });

  it("without an annotation wait for their host's dynamic block, and get an address of it", async () => {
    await applyInstance({ name: "plain", host: "idc1-h1", nics: [] });
    await eventually("what is missing is an event of the pod", 30_000, async () =>
      /host idc1-h1 has no dynamic block/.test(
        await kubectl(cluster, ["get", "events", "--field-selector", "involvedObject.name=plain-0"]),
      ),
    );
    await grantBlock("idc1-h1", "10.71.1.24-10.71.1.27");
    const { status } = await waitReady("plain");
    assert.match(status.podIP ?? "", /^10\.71\.1\.2[4-7]$/);
    assert.match(await execIn("idc1-h2", curl(`http://${status.podIP}:8080/`)), /plain-0/);
  });

  it("keep address and MAC when the image is changed in place", async () => {
    const { metadata } = await podOf("app");
    await kubectl(cluster, ["set", "image", "pod/app-0", "main=registry.lab.wcs/demo:2"]);
    const pod = await waitReady("app", ({ status }) => status.containerStatuses?.[0]?.image.endsWith(":2") ?? false);
    assert.equal(pod.metadata.uid, metadata.uid);
    assert.match(await execIn("idc1-h2", curl("http://10.71.1.110:8080/")), /"version":"2"/);
  });

  it("keep address and MAC when the pod is deleted and made again, for a neighbour with a warm ARP entry", async () => {
    const { metadata } = await podOf("app");
    await execIn("idc1-h2", curl("http://10.71.1.110:8080/"));
    await kubectl(cluster, ["delete", "pod", "app-0", "--wait=false"]);
    await waitReady("app", (pod) => pod.metadata.uid !== metadata.uid);
    assert.match(await execIn("idc1-h2", curl("http://10.71.1.110:8080/")), /app-0/);
    assert.match(await execIn("idc1-h2", ["ip", "neigh", "show", "10.71.1.110"]), new RegExp(mac));
  });

  it("keep address and MAC on another host of the rack", async () => {
    await applyInstance({ ...app, host: "idc1-h2" });
    await kubectl(cluster, ["delete", "pod", "app-0", "--wait=false"]);
    const pod = await waitReady("app", ({ spec }) => spec.nodeName === "idc1-h2");
    assert.equal(pod.status.podIP, "10.71.1.110");
    assert.match(await execIn("idc1-h1", curl("http://10.71.1.110:8080/")), /app-0/);
    assert.match(await execIn("idc1-h1", ["ip", "neigh", "show", "10.71.1.110"]), new RegExp(mac));
    await applyInstance(app);
    await kubectl(cluster, ["delete", "pod", "app-0", "--wait=false"]);
    await waitReady("app", ({ spec }) => spec.nodeName === "idc1-h1");
  });

  it("with two NICs are reached from outside by one and from core by the other", async () => {
    const gateway: Instance = {
      name: "gateway",
      host: "idc1-h2",
      nics: [
        { area: "core", ip: "10.71.1.120" },
        { area: "dmz", ip: "10.71.129.120" },
      ],
    };
    await applyInstance(gateway);
    const { status } = await waitReady("gateway");
    assert.equal(status.podIP, "10.71.1.120");
    assert.match(await execIn("outside", curl("http://10.71.129.120:8080/")), /gateway-0/);
    for (const from of ["idc1-h1", "idc2-h1", "idc2-v1"]) {
      assert.match(await execIn(from, curl("http://10.71.1.120:8080/")), /gateway-0/, from);
    }
    assert.match(await execIn("idc1-v1", curl("http://10.71.129.120:8080/")), /gateway-0/);
    const core = await execForStatus("outside", curl("http://10.71.1.120:8080/"));
    assert.notEqual(core.status, 0, "outside must not reach the core NIC");
    const way = await inPod("idc1-h2", "10.71.1.120", ["ip", "route", "get", "198.18.0.200"]);
    assert.match(way, /via 10\.71\.129\.254 dev eth1/);
  });

  it("with two NICs answer outside by one and core by the other, on the wire", async () => {
    const enter = (await podSpace("idc1-h2", "10.71.1.120")) as [string, ...string[]];
    const ways = [
      ["outside", "10.71.129.120", "eth1", "eth0"],
      ["idc2-h1", "10.71.1.120", "eth0", "eth1"],
      // Another rack's DMZ is core's way to this one: the firewall lets VMs of the area through.
      ["idc1-v1", "10.71.129.120", "eth1", "eth0"],
    ] as const;
    for (const [from, to, used, unused] of ways) {
      const captures = await Promise.all([startCapture(enter, used), startCapture(enter, unused)]);
      assert.match(await execIn(from, curl(`http://${to}:8080/`)), /gateway-0/);
      const [heard = [], elsewhere = []] = await Promise.all(captures.map((capture) => capture.stop()));
      const request = heard.find((segment) => segment.syn && !segment.ack && segment.to === `${to}:8080`);
      const reply = heard.find((segment) => segment.syn && segment.ack && segment.from === `${to}:8080`);
      assert.ok(request && reply, `${from} to ${to}: ${JSON.stringify(heard)}`);
      assert.deepEqual([reply.to, reply.toMac], [request.from, request.fromMac], from);
      const stray = elsewhere.filter(({ from: sender }) => sender === request.from || sender === `${to}:8080`);
      assert.deepEqual(stray, [], `${from} to ${to} by ${unused}`);
    }
    for (const [to, used] of [
      ["10.72.1.1:10250", "eth0"],
      ["198.18.0.200:8080", "eth1"],
    ] as const) {
      const captures = await Promise.all((["eth0", "eth1"] as const).map((nic) => startCapture(enter, nic)));
      await inPod("idc1-h2", "10.71.1.120", [
        "sh",
        "-c",
        `curl --silent --insecure --max-time 2 https://${to}/ || true`,
      ]);
      const heard = await Promise.all(captures.map((capture) => capture.stop()));
      const leaves = heard.map((segments) => segments.some((segment) => segment.syn && segment.to === to));
      assert.deepEqual(leaves, [used === "eth0", used === "eth1"], `to ${to}`);
    }
  });

  it("come and go while their agent is killed: ADD waits, DEL is kept, and its supervisor starts it again", async () => {
    const { pid } = await agentStatus("idc1-h1");
    const before = (await podOf("plain")).metadata.uid;
    await fault("pause", "idc1-h1/cni");
    process.kill(pid, "SIGKILL");
    await kubectl(cluster, ["delete", "pod", "plain-0", "--wait=false"]);
    await eventually("the new pod to be told to try again", 40_000, async () => {
      const events = await kubectl(cluster, ["get", "events", "-o", "json"]);
      const { items } = JSON.parse(events) as { items: { message: string; involvedObject: { uid?: string } }[] };
      return items.some(
        ({ message, involvedObject }) =>
          involvedObject.uid !== before && /does not answer; try again later/.test(message),
      );
    });
    await heal("idc1-h1/cni");
    const pod = await waitReady("plain", ({ metadata }) => metadata.uid !== before);
    const after = await agentStatus("idc1-h1");
    assert.notEqual(after.pid, pid);
    assert.deepEqual(
      after.attachments.filter((each) => each.pod?.name === "plain-0").map(({ nics }) => nics[0]?.ip),
      [pod.status.podIP],
      "the old sandbox's DEL was replayed",
    );
    assert.match(await execIn("idc1-h2", curl("http://10.71.1.110:8080/")), /app-0/);
  });

  it("whose address a VM has taken are refused until the VM lets go", async () => {
    await execIn("idc1-h2", ["ip", "addr", "add", "10.71.1.130/32", "dev", "br-core"]);
    await applyInstance({ name: "late", host: "idc1-h1", nics: [{ area: "core", ip: "10.71.1.130" }] });
    await eventually("the refusal is an event of the pod", 30_000, async () =>
      /10\.71\.1\.130 is answered for by/.test(
        await kubectl(cluster, ["get", "events", "--field-selector", "involvedObject.name=late-0"]),
      ),
    );
    await execIn("idc1-h2", ["ip", "addr", "del", "10.71.1.130/32", "dev", "br-core"]);
    await waitReady("late");
  });

  it("get a new sandbox with their address while the API server is down", async () => {
    const key = async () => (await agentStatus("idc1-h1")).attachments.find(({ pod }) => pod?.name === "app-0")?.key;
    const before = await key();
    assert.ok(before);
    await fault("stop-apiserver", cluster);
    const sandbox = before.split("/")[0] ?? "";
    await execIn("idc1-h1", [
      "ctr",
      "-a",
      "/run/containerd/containerd.sock",
      "-n",
      "k8s.io",
      "tasks",
      "kill",
      "-s",
      "SIGKILL",
      sandbox,
    ]);
    await eventually("a new sandbox", 60_000, async () => {
      const now = await key();
      return now !== undefined && now !== before;
    });
    await eventually(
      "an answer",
      30_000,
      async () => (await execForStatus("idc1-h2", curl("http://10.71.1.110:8080/"))).status === 0,
    );
    await heal(cluster);
    await waitReady("app");
  });

  it("come back with their address after a reboot of the host", async () => {
    await fault("kill-host", "idc1-h1");
    assert.notEqual((await execForStatus("idc1-h2", curl("http://10.71.1.110:8080/"))).status, 0);
    await heal("idc1-h1");
    await eventually(
      "the pod answers again",
      90_000,
      async () => (await execForStatus("idc1-h2", curl("http://10.71.1.110:8080/"))).status === 0,
    );
    const pod = await waitReady("app");
    assert.equal(pod.status.podIP, "10.71.1.110");
    const { attachments } = await agentStatus("idc1-h1");
    const ips = attachments.flatMap(({ nics }) => nics.map(({ ip }) => ip));
    assert.equal(new Set(ips).size, ips.length, "no address twice");
  });

  it("leave nothing behind when they are gone", async () => {
    await kubectl(cluster, ["delete", "statefulset", "app", "plain", "gateway", "late"]);
    for (const host of ["idc1-h1", "idc1-h2"]) {
      await eventually(`${host} is empty`, 60_000, async () => (await agentStatus(host)).attachments.length === 0);
      assert.doesNotMatch(await execIn(host, ["ip", "-br", "link"]), /^wcs/m);
    }
  });
});
