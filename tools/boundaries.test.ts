import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { allowedImports } from "./boundaries.ts";
import { root } from "./step.ts";

/** A tree of its own with this project's real lint configuration, into which a test puts files. */
const tree = mkdtempSync(join(tmpdir(), "wcs-boundaries-"));
after(() => rmSync(tree, { recursive: true, force: true }));
mkdirSync(join(tree, "tools"));
cpSync(join(root, "oxlint.config.ts"), join(tree, "oxlint.config.ts"));
cpSync(join(root, "tools/boundaries.ts"), join(tree, "tools/boundaries.ts"));
cpSync(join(root, "tsconfig.json"), join(tree, "tsconfig.json"));
writeFileSync(join(tree, "package.json"), '{"type":"module"}');
symlinkSync(join(root, "node_modules"), join(tree, "node_modules"));

function lint(files: Readonly<Record<string, string>>): { status: number | null; output: string } {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  }
  const paths = Object.keys(files);
  const result = spawnSync(join(root, "node_modules/.bin/oxlint"), paths, { cwd: tree, encoding: "utf8" });
  for (const path of paths) rmSync(join(tree, path));
  return { status: result.status, output: result.stdout + result.stderr };
}

const importOf = (specifier: string) => `import { x } from "${specifier}";\n\nexport const y: unknown = x;\n`;

describe("import boundaries", () => {
  it("let a package import what it may", () => {
    const result = lint({ "server/ok.ts": importOf("@wcs/core/placement"), "cli/ok.ts": importOf("@wcs/api") });
    assert.equal(result.status, 0, result.output);
  });

  for (const [file, specifier] of [
    ["core/bad.ts", "@wcs/server/audit"],
    ["core/deep/bad.ts", "../../server/audit/store.ts"],
    ["core/bad-io.ts", "node:fs"],
    ["core/bad-clock.ts", "node:timers/promises"],
    ["cli/bad.ts", "@wcs/kube"],
    ["netlink/bad.ts", "@wcs/core/ipam"],
    ["lab/bad.ts", "@wcs/server"],
    ["kube/bad.ts", "../core/placement/index.ts"],
    ["server/bad.ts", "../core/placement/index.ts"],
  ] as const) {
    it(`catch ${file} importing ${specifier}`, () => {
      const result = lint({ [file]: importOf(specifier) });
      assert.notEqual(result.status, 0, "the violation was not caught");
      assert.match(result.output, /no-restricted-imports/);
    });
  }

  for (const [form, text] of [
    ["import()", 'export const load = () => import("@wcs/server/audit");\n'],
    ["export from", 'export * from "@wcs/server/audit";\n'],
    ["import type", 'import type { X } from "@wcs/server/audit";\n\nexport type Y = X;\n'],
    ["createRequire", 'import { createRequire } from "node:module";\n\nexport const y: unknown = createRequire;\n'],
  ] as const) {
    it(`catch ${form}`, () => {
      const result = lint({ "core/bad-form.ts": text });
      assert.notEqual(result.status, 0, "the violation was not caught");
      assert.match(result.output, /no-restricted-imports/);
    });
  }

  it("hold for .mts files, too", () => {
    assert.notEqual(lint({ "core/bad.mts": importOf("@wcs/server/audit") }).status, 0);
  });

  it("have a row for every workspace", () => {
    const query = execFileSync("npm", ["query", ".workspace", "--json"], { cwd: root, encoding: "utf8" });
    const folders = (JSON.parse(query) as { location: string }[]).map((entry) => entry.location);
    assert.ok(folders.length > 0);
    for (const folder of folders) assert.ok(folder in allowedImports, `${folder} has no row in tools/boundaries.ts`);
  });
});
