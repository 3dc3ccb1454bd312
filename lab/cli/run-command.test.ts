import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../bin/wcs-lab", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "wcs-lab-cli-"));
after(() => rmSync(folder, { recursive: true }));

function command(args: readonly string[], { language = "C", file = program } = {}) {
  const { status, stdout, stderr } = spawnSync(file, args, {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: language, LANG: language },
  });
  return { status, stdout, stderr };
}

describe("wcs-lab", () => {
  it("explains itself: on request to standard output, else as an error", () => {
    const help = command(["--help"]);
    assert.equal(help.status, 0);
    assert.match(help.stdout, /^ {2}up \[TOPOLOGY\].*\n {2}down/m);
    const bare = command([]);
    assert.deepEqual([bare.status, bare.stdout], [2, ""]);
    assert.match(command(["fault", "--help"]).stdout, /fault KIND/);
  });

  it("speaks Chinese where that is the language", () => {
    assert.match(command(["--help"], { language: "zh_CN.UTF-8" }).stdout, /启动或修复实验环境/);
    assert.match(command(["stauts"], { language: "zh_CN.UTF-8" }).stderr, /是否想输入 "status"/);
  });

  it("answers wrong usage with 2 and what was meant", () => {
    const wrong = command(["kubecofnig", "x"]);
    assert.deepEqual(
      [wrong.status, wrong.stderr],
      [2, 'wcs-lab: there is no command "kubecofnig"; did you mean "kubeconfig"?\n'],
    );
    assert.equal(command(["status", "--wide"]).status, 2);
    assert.equal(command(["status", "-o", "xml"]).status, 2);
    assert.equal(command(["kubeconfig"]).status, 2);
  });

  it("answers a topology that there is not with 3, and a wrong one with 2 and its line", () => {
    const absent = command(["check", "three-idc"]);
    assert.deepEqual([absent.status, absent.stderr.includes("small, two-idc")], [3, true]);
    const file = join(folder, "wrong.yaml");
    writeFileSync(file, "name: x\ntransit: 10.70.0.0/33\n");
    const wrong = command(["check", file]);
    assert.equal(wrong.status, 2);
    assert.match(wrong.stderr, /wrong\.yaml:2: transit: is "10\.70\.0\.0\/33", but must be an IPv4 network/);
    assert.equal(command(["check", "small"]).status, 0);
  });

  it("finds its checkout through a link, as npx makes one", () => {
    const link = join(folder, "linked");
    symlinkSync(program, link);
    assert.equal(command(["topologies"], { file: link }).stdout, "small\ntwo-idc\n");
  });
});
