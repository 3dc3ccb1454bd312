import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";

const main = join(import.meta.dirname, "../main.ts");
/** Says every module that is loaded, on stderr. */
const saying = `import { registerHooks } from "node:module";
registerHooks({ load: (url, context, next) => (process.stderr.write("loaded " + url + "\\n"), next(url, context)) });`;

/** The modules that a command line loads. Nothing listens where it looks for a server. */
async function loadedBy(...args: readonly string[]): Promise<readonly string[]> {
  const hooks = `data:text/javascript,${encodeURIComponent(saying)}`;
  const env = {
    PATH: process.env["PATH"],
    HOME: import.meta.dirname,
    WCS_SERVER: "http://127.0.0.1:1",
    WCS_TOKEN: "x",
  };
  return await new Promise((resolve) => {
    execFile(process.execPath, ["--import", hooks, main, ...args], { env, timeout: 30_000 }, (_error, _out, said) =>
      resolve([...said.matchAll(/^loaded (\S+)/gm)].map(([, url = ""]) => url)),
    );
  });
}

describe("the start of wcs", () => {
  for (const line of [
    "version",
    "get hosts --help",
    "get hosts",
    "get host h1",
    "get instances",
    "get subnets",
    "audit list",
  ]) {
    it(`does not wait for schemas, their checks or YAML: wcs ${line}`, async () => {
      const loaded = await loadedBy(...line.split(" "));
      assert.ok(loaded.some((url) => url.endsWith("/cli/program/run-program.ts")));
      const heavy = loaded.filter((url) => /\/node_modules\/|@wcs\/core/.test(url));
      // 373 modules of typebox alone, and 70 ms of CPU time (`npm run bench -- cli`).
      assert.deepEqual(heavy, []);
      assert.ok(loaded.length < 60, `${loaded.length} modules`);
    });
  }
});
