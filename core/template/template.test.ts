import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { checkParameters, checkParameterSchema, checkTemplate, renderTemplate } from "./index.ts";
import { instanceTexts, type InstanceTexts } from "./render-template.ts";
import type { ParameterSchema, TemplateSpec } from "./template-spec.ts";

const seed = 17;
const usual: TemplateSpec = {
  parameters: {
    type: "object",
    properties: {
      threads: { type: "integer", minimum: 1, maximum: 64, default: 4 },
      mode: { type: "string", enum: ["online", "batch"] },
    },
    required: ["mode"],
  },
  image: "registry.bank.example:5000/retail/query",
  user: { uid: 1000, gid: 1000 },
  environment: { MODE: "${mode}", THREADS: "${threads}", ADDRESS: "${wcs.ip}" },
  files: [{ path: "/opt/app/app.conf", content: "mode=${mode}\nliteral=$${mode}\n" }],
  folders: [{ path: "/opt/app/work", sizeMiB: 100 }],
  logFolder: "/opt/app/log",
  timeZone: "Asia/Shanghai",
};
const texts = Object.fromEntries(instanceTexts.map((name) => [name, `<${name}>`])) as InstanceTexts;

describe("a template", () => {
  it("passes when nothing is wrong with it", () => {
    assert.deepEqual(checkTemplate(usual), []);
  });

  it("is told everything that is wrong with it at once, with paths", () => {
    const problems = checkTemplate({
      image: "registry.bank.example/App:latest",
      user: { uid: 0, gid: 1000 },
      environment: { "1A": "x", TZ: "UTC", B: "${nobody}", C: "${wcs.secret}" },
      ports: [
        { name: "http", port: 80 },
        { name: "http", port: 80 },
        { name: "8080", port: 0 },
      ],
      probes: { liveness: { http: { path: "x", port: 70_000 }, tcp: { port: 1 } }, readiness: {} },
      gracefulStop: { seconds: 0, command: [] },
      files: [
        { path: "/proc/x", content: "" },
        { path: "/a/../b", content: "", mode: "999" },
      ],
      folders: [{ path: "/data", sizeMiB: 0 }],
      logFolder: "/data",
      labels: { "wcs.io/dcn": "x" },
      timeZone: "+08:00",
      extraNic: { area: "DMZ" },
    });
    assert.deepEqual(problems.map(({ path }) => path).toSorted(), [
      "environment.1A",
      "environment.B",
      "environment.C",
      "environment.TZ",
      "extraNic.area",
      "files[0].path",
      "files[1].mode",
      "files[1].path",
      "folders[0].path",
      "folders[0].sizeMiB",
      "gracefulStop.command",
      "gracefulStop.seconds",
      "image",
      "labels.wcs.io/dcn",
      "logFolder",
      "ports[1].name",
      "ports[1].port",
      "ports[2].name",
      "ports[2].port",
      "probes.liveness",
      "probes.liveness.http.path",
      "probes.liveness.http.port",
      "probes.readiness",
      "timeZone",
      "user.uid",
    ]);
    for (const { problem, remedy } of problems) assert.ok(problem.length > 0 && remedy.length > 0);
  });

  it("is filled in once, so that a value that looks like a placeholder stays as it is", () => {
    const filled = renderTemplate(usual, { mode: "${threads}" }, texts);
    assert.deepEqual(filled.environment, { MODE: "${threads}", THREADS: "4", ADDRESS: "<ip>" });
    assert.equal(filled.files?.[0]?.content, "mode=${threads}\nliteral=${mode}\n");
  });

  it("holds any value exactly, between any texts", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (before, value, after) => {
        const quiet = (text: string) => text.replaceAll(/[${}]/g, "_");
        const spec = { ...usual, environment: { A: `${quiet(before)}\${mode}${quiet(after)}` } };
        assert.equal(
          renderTemplate(spec, { mode: value }, texts).environment?.["A"],
          quiet(before) + value + quiet(after),
        );
      }),
      { seed, numRuns: 500 },
    );
  });
});

describe("the parameters of a template", () => {
  const schema = usual.parameters as ParameterSchema;

  it("are checked against the schema, and errors say what is allowed", () => {
    assert.deepEqual(checkParameters(schema, { mode: "online" }), []);
    assert.deepEqual(
      checkParameters(schema, { threads: 65, colour: "red" })
        .map(({ path, problem, remedy }) => `${path} ${problem}; ${remedy}`)
        .toSorted(),
      [
        "parameters.colour is not a parameter of this template; known are: threads, mode",
        "parameters.mode is missing; give it a value",
        "parameters.threads must be <= 64; see the template's parameters",
      ],
    );
    assert.equal(checkParameters(schema, { mode: "x".repeat(5000) })[0]?.problem, "is too long");
  });

  for (const [what, property, path] of [
    ["a reference", { type: "string", $ref: "#" }, "parameters.properties.p.$ref"],
    ["an unknown type", { type: "text" }, "parameters"],
    ["a default of another type", { type: "integer", default: "x" }, "parameters.properties.p.default"],
    ["a list without items", { type: "array" }, "parameters.properties.p.items"],
    ["a pattern that is none", { type: "string", pattern: "(" }, "parameters.properties.p.pattern"],
    ["a pattern that can take for ever", { type: "string", pattern: "^([a-z]+)+$" }, "parameters.properties.p.pattern"],
    ["a back reference", { type: "string", pattern: "(a)\\1" }, "parameters.properties.p.pattern"],
  ] as const) {
    it(`may not be described with ${what}`, () => {
      const problems = checkParameterSchema({
        type: "object",
        properties: { p: property },
      } as unknown as ParameterSchema);
      assert.deepEqual(
        problems.map((problem) => problem.path),
        [path],
      );
    });
  }

  it("may have a pattern with an optional group", () => {
    const property = { type: "string", pattern: "^[a-z]+(-[a-z]+)?$", maxLength: 20 } as const;
    assert.deepEqual(checkParameterSchema({ type: "object", properties: { p: property } }), []);
  });
});
