import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Readable } from "node:stream";
import { runProgram } from "./run-program.ts";

async function run(args: readonly string[], env: Record<string, string> = {}) {
  let stdout = "";
  let stderr = "";
  const code = await runProgram({
    args,
    env: { HOME: "/nonexistent", ...env },
    stdout: (text) => (stdout += text),
    stderr: (text) => (stderr += text),
    stdin: Readable.from([]),
    signal: new AbortController().signal,
  });
  return { code, stdout, stderr };
}

describe("wcs", () => {
  it("says its verbs in the language of the locale", async () => {
    assert.match((await run(["--help"])).stdout, /list resources/);
    assert.match((await run(["--help"], { LANG: "zh_CN.UTF-8" })).stdout, /列出资源/);
    assert.match((await run(["get", "--help"], { LC_ALL: "zh_CN", LANG: "en_US" })).stdout, /按字段过滤/);
  });

  it("ends with 2 for a command line that it does not understand, and says nothing on stdout", async () => {
    const lines = [
      ["nope"],
      ["get"],
      ["get", "nothing"],
      ["get", "tokens", "--nope"],
      ["get", "tokens", "-o", "xml"],
      [],
    ];
    for (const line of lines) {
      const { code, stdout, stderr } = await run(line);
      assert.equal(code, 2, line.join(" "));
      assert.equal(stdout, "");
      assert.notEqual(stderr, "");
    }
  });

  it("ends with 1 and says why when the server can't be reached", async () => {
    const { code, stderr } = await run(["get", "tokens", "--server", "http://127.0.0.1:1"]);
    assert.equal(code, 1);
    assert.match(stderr, /the server can't be reached: .*(?:ECONNREFUSED|bad port)/);
  });

  it("completes verbs, resources and options", async () => {
    assert.equal((await run(["completion", "words", "--", "desc"])).stdout, "describe\n");
    assert.match((await run(["completion", "words", "--", "get", "t"])).stdout, /^tokens$/m);
    assert.match((await run(["completion", "words", "--", "get", "tokens", "--f"])).stdout, /^--filter$/m);
    assert.match((await run(["completion", "bash"])).stdout, /complete -F _wcs wcs/);
  });

  it("does not let a name with control characters reach the terminal", async () => {
    const { stderr } = await run(["\u001b[2J"]);
    assert.ok(!stderr.includes("\u001b"));
  });
});
