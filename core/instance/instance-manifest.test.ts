import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { printNetworkAnnotation } from "@wcs/core/ipam";
import { checkTemplate } from "@wcs/core/template";
import { designs, usualDesign } from "./testing/instance-design.ts";
import { instanceManifests } from "./instance-manifest.ts";
import { podSecurityProblems } from "./pod-security.ts";
import { cpuQuantity, memoryQuantity } from "./quantity.ts";

const seed = 5;

describe("the objects of an instance", () => {
  it("keep the clusters' baseline whatever a checked template says", () => {
    let checked = 0;
    fc.assert(
      fc.property(designs, (design) => {
        if (checkTemplate(design.template).length > 0) return;
        checked += 1;
        assert.deepEqual(podSecurityProblems(instanceManifests(design).podTemplate.spec), []);
      }),
      { seed, numRuns: 500 },
    );
    assert.ok(checked > 200, `only ${checked} templates passed`);
  });

  it("are the same for the same design, however its members are ordered", () => {
    fc.assert(
      fc.property(designs, (design) => {
        const reversed = Object.fromEntries(Object.entries(design).toReversed()) as typeof design;
        assert.deepEqual(instanceManifests(design), instanceManifests(reversed));
        assert.equal(instanceManifests(design).version, instanceManifests(structuredClone(design)).version);
      }),
      { seed, numRuns: 200 },
    );
  });

  it("bind the instance to its host, keep it there when the host is silent, and let only WCS update it", () => {
    const { statefulSet, podTemplate } = instanceManifests(usualDesign);
    const spec = podTemplate.spec as {
      affinity: unknown;
      tolerations: Record<string, unknown>[];
      hostnameOverride: string;
      containers: {
        resources: { requests: unknown; limits: unknown };
        env: { name: string; value: string }[];
        image: string;
      }[];
    };
    assert.deepEqual(spec.affinity, {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: ["idc1-r1-h1"] }] }],
        },
      },
    });
    assert.ok(spec.tolerations.every((toleration) => !("tolerationSeconds" in toleration)));
    assert.deepEqual((statefulSet["spec"] as { updateStrategy: unknown }).updateStrategy, { type: "OnDelete" });
    assert.equal(spec.hostnameOverride, "1001-1c1-01");
    const [container] = spec.containers;
    assert.ok(container);
    assert.deepEqual(container.resources.requests, container.resources.limits);
    assert.deepEqual(container.resources.requests, { cpu: "2", memory: "4Gi" });
    assert.equal(container.env.find(({ name }) => name === "TZ")?.value, "Asia/Shanghai");
    assert.equal(container.image, `registry.bank.example/retail/query@sha256:${"a".repeat(64)}`);
    assert.equal(podTemplate.metadata.annotations["wcs.io/network"], printNetworkAnnotation(usualDesign.network));
  });

  it("give other configuration another name, so that an old pod keeps the files it started with", () => {
    const other = { ...usualDesign.template, files: [{ path: "/opt/app/app.conf", content: "threads=8\n" }] };
    const names = [usualDesign, { ...usualDesign, template: other }].map(
      (design) => instanceManifests(design).before.find(({ kind }) => kind === "ConfigMap")?.metadata.name,
    );
    assert.equal(new Set(names).size, 2);
  });

  it("leave dollars to the application", () => {
    const template = { ...usualDesign.template, environment: { A: "$(TZ) $$(TZ) $TZ" } };
    const spec = instanceManifests({ ...usualDesign, template }).podTemplate.spec as {
      containers: { env: { name: string; value: string }[] }[];
    };
    const value = spec.containers[0]?.env.find(({ name }) => name === "A")?.value ?? "";
    assert.equal(expandAsKubernetes(value), "$(TZ) $$(TZ) $TZ");
  });

  it("write quantities as the API server does", () => {
    assert.deepEqual([1500, 2000, 100].map(cpuQuantity), ["1500m", "2", "100m"]);
    assert.deepEqual([512, 1024, 1536, 4096, 1024 * 1024].map(memoryQuantity), [
      "512Mi",
      "1Gi",
      "1536Mi",
      "4Gi",
      "1Ti",
    ]);
  });
});

describe("the check against pod security", () => {
  const spec = instanceManifests(usualDesign).podTemplate.spec;
  const container = (spec["containers"] as Record<string, unknown>[])[0];
  for (const [what, broken, problem] of [
    ["a host path", { ...spec, volumes: [{ name: "v", hostPath: { path: "/" } }] }, /volume v is a hostPath/],
    ["the host's network", { ...spec, hostNetwork: true }, /hostNetwork is on/],
    ["root", { ...spec, securityContext: { runAsUser: 0 } }, /runs as root/],
    [
      "a privileged container",
      { ...spec, containers: [{ ...container, securityContext: { privileged: true } }] },
      /is privileged/,
    ],
    ["an init container without limits", { ...spec, initContainers: [{ name: "i" }] }, /container i does not drop/],
    ["a host port", { ...spec, containers: [{ ...container, ports: [{ hostPort: 80 }] }] }, /takes a port of the host/],
    [
      "a probe of another host",
      { ...spec, containers: [{ ...container, livenessProbe: { httpGet: { host: "10.0.0.1" } } }] },
      /asks another host/,
    ],
  ] as const) {
    it(`finds ${what}`, () => {
      assert.match(podSecurityProblems(broken).join("; "), problem);
    });
  }
});

/** k8s.io/kubernetes third_party/forked/golang/expansion, with no variable defined but TZ. */
function expandAsKubernetes(value: string): string {
  return value.replaceAll(/\$\$|\$\(([^)]*)\)/g, (whole, name: string | undefined) => {
    if (whole === "$$") return "$";
    return name === "TZ" ? "Asia/Shanghai" : whole;
  });
}
