import * as fc from "fast-check";
import type { TemplateSpec } from "@wcs/core/template";
import type { InstanceDesign } from "../instance-manifest.ts";

/** A design as most are, for tests to change. */
export const usualDesign: InstanceDesign = {
  instance: "1001-1c1-01",
  business: "retail",
  subsystem: "1001",
  dcn: "1C1",
  environment: "production",
  namespace: "wcs-retail",
  host: "idc1-r1-h1",
  class: { name: "2C4G", cpuMilli: 2000, memoryMiB: 4096 },
  network: {
    instance: "1001-1c1-01",
    generation: 1,
    nics: [
      {
        name: "eth0",
        area: "core",
        address: "10.71.1.100/24",
        mac: "02:57:0a:47:01:64",
        gateway: "10.71.1.254",
        defaultRoute: true,
        internalPrefixes: [],
        routes: [],
        conflictProbe: true,
      },
    ],
  },
  template: {
    image: "registry.bank.example/retail/query",
    user: { uid: 1000, gid: 1000 },
    environment: { MODE: "online" },
    probes: { readiness: { http: { path: "/ready", port: 8080 } } },
    files: [{ path: "/opt/app/app.conf", content: "threads=4\n" }],
    logFolder: "/opt/app/log",
  },
  imageDigest: `sha256:${"a".repeat(64)}`,
  timeZone: "Asia/Shanghai",
  release: "r-1",
  running: true,
};

const path = fc.stringMatching(/^\/opt\/[a-z]{1,8}$/);
const text = fc.string({ maxLength: 20 });
const port = fc.integer({ min: 1, max: 65535 });
const probe = fc.oneof(
  fc.record({ http: fc.record({ path: fc.constant("/health"), port }) }),
  fc.record({ tcp: fc.record({ port }), periodSeconds: fc.integer({ min: 1, max: 60 }) }),
  fc.record({ command: fc.array(text, { minLength: 1, maxLength: 3 }) }),
);

const template: fc.Arbitrary<TemplateSpec> = fc
  .record(
    {
      image: fc.constantFrom("registry.bank.example/a/b", "registry.bank.example/c"),
      user: fc.record({ uid: fc.integer({ min: 1, max: 70_000 }), gid: fc.integer({ min: 1, max: 70_000 }) }),
      command: fc.array(text, { maxLength: 3 }),
      args: fc.array(text, { maxLength: 3 }),
      environment: fc.dictionary(fc.stringMatching(/^[A-SU-V][A-Z0-9_]{0,8}$/), text, { maxKeys: 5 }),
      probes: fc.record({ readiness: probe, liveness: probe, startup: probe }, { requiredKeys: [] }),
      gracefulStop: fc.record({ seconds: fc.integer({ min: 1, max: 900 }) }),
      files: fc.uniqueArray(fc.record({ path, content: text }), { selector: (file) => file.path, maxLength: 3 }),
      folders: fc.uniqueArray(
        fc.record({ path: path.map((value) => `/srv${value}`), sizeMiB: fc.integer({ min: 1, max: 5000 }) }),
        { selector: (folder) => folder.path, maxLength: 3 },
      ),
      logFolder: fc.constantFrom("/log", "/var/app/log"),
      labels: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.constantFrom("a", "b"), { maxKeys: 3 }),
      readOnlyRoot: fc.boolean(),
    },
    { requiredKeys: ["image", "user"] },
  )
  .map((spec) => spec as TemplateSpec);

/** Designs of one instance that stays where it is: what releases can change. */
export const designs: fc.Arbitrary<InstanceDesign> = fc
  .record({
    template,
    imageDigest: fc.constantFrom(`sha256:${"a".repeat(64)}`, `sha256:${"b".repeat(64)}`),
    class: fc.constantFrom(
      { name: "2C4G", cpuMilli: 2000, memoryMiB: 4096 },
      { name: "500m1536M", cpuMilli: 500, memoryMiB: 1536, diskMiB: 2048 },
    ),
    running: fc.boolean(),
    release: fc.constantFrom("r-1", "r-2"),
  })
  .map((part) => ({ ...usualDesign, ...part }));
