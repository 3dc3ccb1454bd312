import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, describe, it } from "node:test";
import { admissionPolicies, identityObjects, keptObjects, userNameOf } from "@wcs/core/cluster";
import { createKubeClient, isKubeError, pods, resourceType, type KubeClient } from "@wcs/kube";
import { startControlPlane, type ControlPlane } from "@wcs/kube/testing";
import { mendObject } from "./mend-object.ts";

const statefulSets = resourceType("apps/v1/statefulsets", "StatefulSet", "namespaced");
const cronJobs = resourceType("batch/v1/cronjobs", "CronJob", "namespaced");
const revisions = resourceType("apps/v1/controllerrevisions", "ControllerRevision", "namespaced");
const bindings = resourceType("v1/bindings", "Binding", "namespaced");
const namespaces = resourceType("v1/namespaces", "Namespace", "cluster");
const nodes = resourceType("v1/nodes", "Node", "cluster");
const serviceAccounts = resourceType("v1/serviceaccounts", "ServiceAccount", "namespaced");
const secrets = resourceType("v1/secrets", "Secret", "namespaced");

type Metadata = { labels?: Record<string, string>; annotations?: Record<string, string> };
const container = (more: object = {}) => ({ name: "c", image: "registry.test/app:1", ...more });
const pod = (name: string, options: { metadata?: Metadata; spec?: object } = {}) => ({
  metadata: { name, ...options.metadata },
  spec: { containers: [container()], ...options.spec },
});
const statefulSet = (name: string, template: { metadata?: Metadata; spec?: object } = {}, more: object = {}) => ({
  metadata: { name },
  spec: {
    serviceName: "",
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { ...template.metadata, labels: { app: name, ...template.metadata?.labels } },
      spec: { containers: [container()], ...template.spec },
    },
    ...more,
  },
});
/** What pod security `restricted` wants. */
const restrictedSpec = {
  securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: "RuntimeDefault" } },
  containers: [container({ securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } } })],
};
const reserved = { annotations: { "wcs.io/network": "[]" } };

describe("the baseline's admission policies", () => {
  let plane: ControlPlane;
  let admin: KubeClient;
  let wcs: KubeClient;
  let kubelet: KubeClient;
  const clients: KubeClient[] = [];

  const as = async (user: string, groups: readonly string[]) => {
    const client = createKubeClient({ access: await plane.accessFor(user, { groups }), userAgent: "test" });
    clients.push(client);
    return client;
  };
  /** Fails unless the API server's own answer is a refusal by the policy. */
  const refused = async (attempt: Promise<unknown>, message: RegExp) => {
    try {
      await attempt;
    } catch (error) {
      assert.ok(isKubeError(error, "forbidden", "invalid"), String(error));
      assert.match(error.message, message);
      return;
    }
    assert.fail("it was let in");
  };

  before(async () => {
    plane = await startControlPlane();
    admin = await as("admin", ["system:masters"]);
    // WCS's identity, with every right, so that what is refused is refused by a policy.
    wcs = await as(userNameOf("platform"), ["system:masters"]);
    kubelet = await as("system:node:n1", ["system:nodes"]);
    for (const object of identityObjects()) await mendObject(admin, object);
    const kept = keptObjects({
      quotas: [{ business: "retail", cpuMilli: 4_000, memoryMiB: 4_096 }],
      exemptNamespaces: ["addons"],
    });
    for (const object of kept) await mendObject(wcs, object);
    for (const name of ["addons", "apps"]) await admin.create(namespaces, { metadata: { name } });
    for (const name of ["addons", "apps", "kube-system", "wcs", "wcs-retail"]) await serviceAccountIn(name);
    // The API server takes policies in within about a second.
    for (let tries = 0; ; tries += 1) {
      const probe = admin.create(pods, pod("probe", { spec: { hostPID: true } }), { namespace: "apps", dryRun: true });
      const error = await probe.then(
        () => null,
        (error: unknown) => error,
      );
      if (isKubeError(error, "forbidden") && /hostPID/.test(error.message)) break;
      assert.ok(tries < 100, `the policies do not hold: ${String(error)}`);
      await sleep(100);
    }
  });
  after(async () => {
    for (const client of clients) client.close();
    await plane.stop();
  });
  /** Without a controller manager nobody makes the default ServiceAccount that a pod's admission asks for. */
  const serviceAccountIn = (namespace: string) =>
    admin.apply(
      serviceAccounts,
      { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace } },
      { fieldManager: "test" },
    );

  it("are all well typed and in force", async () => {
    for (const object of admissionPolicies([])) {
      if (object.kind !== "ValidatingAdmissionPolicy") continue;
      const path = `/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/${object.metadata.name}`;
      const live = await admin.json<{ metadata: { generation: number } }>(path);
      assert.equal(live.metadata.generation, 1);
    }
  });

  const dangerous: readonly (readonly [string, object, RegExp])[] = [
    ["privileged", { containers: [container({ securityContext: { privileged: true } })] }, /privileged/],
    [
      "privileged init container",
      { initContainers: [{ ...container({ securityContext: { privileged: true } }), name: "i" }] },
      /privileged/,
    ],
    ["hostNetwork", { hostNetwork: true }, /hostNetwork/],
    ["hostPID", { hostPID: true }, /hostPID/],
    ["hostIPC", { hostIPC: true }, /hostIPC/],
    ["hostPath", { volumes: [{ name: "v", hostPath: { path: "/" } }] }, /hostPath/],
  ];
  for (const [what, spec, message] of dangerous) {
    it(`refuse ${what}, in a pod and in a template, even from an administrator and from WCS`, async () => {
      for (const client of [admin, wcs]) {
        await refused(client.create(pods, pod("bad", { spec }), { namespace: "apps", dryRun: true }), message);
        await refused(
          client.create(statefulSets, statefulSet("bad", { spec }), { namespace: "apps", dryRun: true }),
          message,
        );
      }
      const cronJob = {
        metadata: { name: "bad" },
        spec: {
          schedule: "* * * * *",
          jobTemplate: {
            spec: { template: { spec: { containers: [container()], restartPolicy: "Never", ...spec } } },
          },
        },
      };
      await refused(admin.create(cronJobs, cronJob, { namespace: "apps", dryRun: true }), message);
    });
    it(`let ${what} into system namespaces and exempt ones`, async () => {
      for (const namespace of ["kube-system", "addons"]) {
        await admin.create(pods, pod("needed", { spec }), { namespace, dryRun: true });
      }
    });
  }

  it("refuse a privileged ephemeral container, and any by someone else than WCS", async () => {
    await admin.create(pods, pod("target"), { namespace: "apps" });
    const ephemeral = (more: object) => ({
      namespace: "apps",
      name: "target",
      subresource: "ephemeralcontainers",
      kind: "strategic" as const,
      patch: { spec: { ephemeralContainers: [{ ...container(more), name: "debug" }] } },
      dryRun: true,
    });
    await refused(wcs.patch(pods, ephemeral({ securityContext: { privileged: true } })), /privileged/);
    await refused(admin.patch(pods, ephemeral({})), /through WCS only/);
    await wcs.patch(pods, ephemeral({}));
  });

  it("let pods in that are as they should be, and their status and deletion", async () => {
    await admin.create(pods, pod("good", { metadata: { annotations: { "example.com/a": "1" } } }), {
      namespace: "apps",
    });
    await admin.patch(pods, {
      namespace: "apps",
      name: "good",
      subresource: "status",
      kind: "merge",
      patch: { status: { message: "m" } },
    });
    await admin.delete(pods, { namespace: "apps", name: "good", gracePeriodSeconds: 0 });
  });

  it("refuse wcs.io/ labels and annotations of a pod from anyone but WCS: new, changed, removed, by any way", async () => {
    const inApps = { namespace: "apps" };
    await refused(
      admin.create(pods, pod("forged", { metadata: reserved }), inApps),
      /metadata.annotations is written by WCS/,
    );
    await refused(admin.create(pods, pod("forged", { metadata: { labels: { "wcs.io/x": "1" } } }), inApps), /labels/);
    await refused(
      admin.create(pods, pod("forged", { metadata: { labels: { "net.wcs.io/x": "1" } } }), inApps),
      /labels is written by WCS/,
    );
    await wcs.create(pods, pod("real", { metadata: reserved }), inApps);
    const change = (annotations: Record<string, string | null>, subresource?: string) => ({
      ...inApps,
      name: "real",
      kind: "merge" as const,
      patch: { metadata: { annotations } },
      ...(subresource === undefined ? {} : { subresource }),
    });
    await refused(admin.patch(pods, change({ "wcs.io/network": "[1]" })), /WCS only/);
    await refused(admin.patch(pods, change({ "wcs.io/network": null })), /WCS only/);
    await refused(admin.patch(pods, change({ "wcs.io/other": "1" }, "status")), /WCS only/);
    await admin.patch(pods, change({ "example.com/other": "1" }));
    const binding = {
      metadata: { name: "real", annotations: { "wcs.io/host": "other" } },
      target: { kind: "Node", name: "n1" },
    };
    await refused(admin.create(bindings, binding, { ...inApps }), /WCS only/);
    await refused(
      admin.create(
        pods,
        { ...binding, apiVersion: "v1", kind: "Binding" },
        { ...inApps, name: "real", subresource: "binding" },
      ),
      /WCS only/,
    );
  });

  it("refuse them in templates, claims' templates and revisions, which controllers copy", async () => {
    const inApps = { namespace: "apps", dryRun: true };
    await refused(admin.create(statefulSets, statefulSet("forged", { metadata: reserved }), inApps), /template/);
    const claims = {
      volumeClaimTemplates: [
        {
          metadata: { name: "v", ...reserved },
          spec: {
            accessModes: ["ReadWriteOnce"],
            resources: { requests: { storage: "1Gi" } },
          },
        },
      ],
    };
    await refused(admin.create(statefulSets, statefulSet("forged", {}, claims), inApps), /volumeClaimTemplates/);
    const data = { spec: { template: { metadata: reserved, $patch: "replace" } } };
    await refused(
      admin.create(revisions, { metadata: { name: "forged" }, data, revision: 1 }, inApps),
      /data.spec.template/,
    );
    const cronJob = {
      metadata: { name: "forged" },
      spec: {
        schedule: "* * * * *",
        jobTemplate: {
          spec: { template: { metadata: reserved, spec: { containers: [container()], restartPolicy: "Never" } } },
        },
      },
    };
    await refused(admin.create(cronJobs, cronJob, inApps), /jobTemplate/);
    await wcs.create(statefulSets, statefulSet("real", { metadata: reserved }), inApps);
  });

  it("refuse them of nodes from kubelets, and let kubelets do their work", async () => {
    await refused(kubelet.create(nodes, { metadata: { name: "n1", labels: { "wcs.io/rack": "r1" } } }), /WCS only/);
    await kubelet.create(nodes, { metadata: { name: "n1" } });
    const own = (annotations: Record<string, string>, subresource?: string) => ({
      name: "n1",
      kind: "merge" as const,
      patch: { metadata: { annotations } },
      ...(subresource === undefined ? {} : { subresource }),
    });
    await refused(kubelet.patch(nodes, own({ "wcs.io/dynamic": "x" })), /WCS only/);
    await refused(kubelet.patch(nodes, own({ "wcs.io/dynamic": "x" }, "status")), /WCS only/);
    await wcs.patch(nodes, own({ "wcs.io/dynamic": "x" }));
    await kubelet.patch(nodes, own({ "example.com/x": "y" }));
  });

  it("keep a business's namespace restricted", async () => {
    const label = (name: string, value: string | null) => ({
      name: "wcs-retail",
      kind: "merge" as const,
      patch: { metadata: { labels: { [name]: value } } },
    });
    await refused(admin.patch(namespaces, label("pod-security.kubernetes.io/enforce", "privileged")), /pod-security/);
    await refused(admin.patch(namespaces, label("pod-security.kubernetes.io/enforce", null)), /pod-security/);
    await refused(admin.patch(namespaces, label("wcs.io/business", "cards")), /WCS only/);
    await admin.patch(namespaces, label("example.com/team", "a"));
    await refused(wcs.create(pods, pod("root"), { namespace: "wcs-retail" }), /violates PodSecurity "restricted/);
  });

  it("shut every side door to containers for everybody but WCS", async () => {
    await admin.create(pods, pod("door"), { namespace: "apps" });
    const paths = ["exec?command=id&stdout=true", "attach?stdout=true", "portforward?ports=80", "proxy/"];
    const refusals = /through WCS only/;
    for (const path of paths) {
      await refused(admin.text(`/api/v1/namespaces/apps/pods/door/${path}`), refusals);
    }
    await refused(admin.text("/api/v1/nodes/n1/proxy/pods"), refusals);
    await refused(admin.text("/api/v1/namespaces/apps/services/x/proxy/"), refusals);
    // WCS comes past the policy; the pod has no host, so that the API server then says so.
    const error = await wcs.text("/api/v1/namespaces/apps/pods/door/exec?command=id&stdout=true").then(
      () => null,
      (error: unknown) => error,
    );
    assert.ok(isKubeError(error), String(error));
    assert.doesNotMatch(error.message, refusals);
    assert.match(error.message, /does not have a host assigned/);
  });

  it("keep WCS's own namespace from being borrowed", async () => {
    const inside = { namespace: "wcs" };
    await refused(
      admin.create(pods, pod("thief", { spec: { ...restrictedSpec, serviceAccountName: "platform" } }), inside),
      /nothing runs/,
    );
    await refused(admin.create(statefulSets, statefulSet("thief", { spec: restrictedSpec }), inside), /nothing runs/);
    const secret = {
      metadata: { name: "thief", annotations: { "kubernetes.io/service-account.name": "platform" } },
      type: "kubernetes.io/service-account-token",
    };
    await refused(admin.create(secrets, secret, inside), /only WCS renews/);
    const someone = await as("someone", ["wcs-test:token-makers"]);
    await admin.create(
      resourceType("rbac.authorization.k8s.io/v1/clusterrolebindings", "ClusterRoleBinding", "cluster"),
      {
        metadata: { name: "token-makers" },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
        subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "wcs-test:token-makers" }],
      },
    );
    await sleep(500);
    const token = { ...inside, name: "platform", subresource: "token" };
    await refused(
      someone.create(
        serviceAccounts,
        { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
        token,
      ),
      /only WCS renews/,
    );
    await admin.create(
      serviceAccounts,
      { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
      token,
    );
  });
});
