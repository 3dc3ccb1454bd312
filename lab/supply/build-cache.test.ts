import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { cached, contentKey } from "./build-cache.ts";

const home = mkdtempSync(join(tmpdir(), "wcs-cache-"));
process.env["XDG_CACHE_HOME"] = home;
after(() => rmSync(home, { recursive: true }));

describe("the build cache", () => {
  it("builds once, and finds it afterwards", async () => {
    let builds = 0;
    const build = async (folder: string) => {
      builds += 1;
      writeFileSync(join(folder, "program"), "1");
    };
    const first = await cached("thing", "a", build);
    assert.equal(await cached("thing", "a", build), first);
    assert.notEqual(await cached("thing", "b", build), first);
    assert.equal(builds, 2);
  });

  it("never shows a folder that is half filled, and lets one of two builders win whole", async () => {
    const build = (word: string) => async (folder: string) => {
      writeFileSync(join(folder, "one"), word);
      assert.equal(existsSync(join(home, "wcs/race-k")), false);
      await sleep(20);
      writeFileSync(join(folder, "two"), word);
    };
    const [left, right] = await Promise.all([cached("race", "k", build("left")), cached("race", "k", build("right"))]);
    assert.equal(left, right);
    assert.equal(readFileSync(join(left, "one"), "utf8"), readFileSync(join(left, "two"), "utf8"));
  });

  it("keeps nothing of a build that failed", async () => {
    await assert.rejects(
      cached("bad", "k", () => Promise.reject(new Error("no"))),
      /no/,
    );
    assert.deepEqual(
      readdirSync(join(home, "wcs")).filter((name) => name.includes("bad")),
      [],
    );
  });

  it("has another key for another content, file name or word", () => {
    const file = join(home, "go.mod");
    writeFileSync(file, "module a");
    const key = contentKey([file], ["flags"]);
    assert.notEqual(contentKey([file], ["flags", "more"]), key);
    writeFileSync(file, "module b");
    assert.notEqual(contentKey([file], ["flags"]), key);
  });
});
