import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createLogFolders, makeLogFolder } from "./log-folders.ts";

const asked = { instance: "1001-1c1-01", uid: 1234, gid: 2345 };

describe("an instance's log folder on its host", () => {
  let place: string;
  let root: string;
  before(() => {
    place = mkdtempSync(join(tmpdir(), "wcs-logs-"));
    root = join(place, "log", "wcs");
  });
  after(() => rmSync(place, { recursive: true }));

  it("is made for the instance's user, and again with what is in it", () => {
    makeLogFolder(root, asked);
    const path = join(root, asked.instance);
    const { uid, gid, mode } = statSync(path);
    assert.deepEqual([uid, gid, mode & 0o7777], [1234, 2345, 0o2770]);
    writeFileSync(join(path, "app.log"), "a line\n");
    makeLogFolder(root, { ...asked, uid: 1235 });
    assert.equal(statSync(path).uid, 1235);
    assert.ok(existsSync(join(path, "app.log")));
  });

  it("is not made where a link points, of the folder or of the root", () => {
    const elsewhere = join(place, "elsewhere");
    mkdirSync(elsewhere, { mode: 0o700 });
    symlinkSync(elsewhere, join(root, "1001-1c1-02"));
    assert.throws(() => makeLogFolder(root, { ...asked, instance: "1001-1c1-02" }), /is a link or no folder/);
    symlinkSync(root, join(place, "link"));
    assert.throws(() => makeLogFolder(join(place, "link"), asked), /root alone may write/);
    assert.deepEqual([lstatSync(elsewhere).uid, lstatSync(elsewhere).mode & 0o7777], [0, 0o700]);
  });

  it("is not made outside of the root, nor in one that others may write to", () => {
    for (const instance of ["..", "../etc", "a/b", "", ".", "A"]) {
      assert.throws(() => makeLogFolder(root, { ...asked, instance }), /not an instance's name/);
    }
    const open = join(place, "open");
    mkdirSync(open);
    chmodSync(open, 0o777);
    assert.throws(() => makeLogFolder(open, asked), /root alone may write/);
  });

  it("is made once for a pod, and tried again while it can't be", () => {
    const lines: string[] = [];
    const folders = createLogFolders({ root, log: (line) => lines.push(line) });
    const pod = { uid: "u1", ended: false, logFolder: { ...asked, instance: "1001-1c1-03" } };
    const path = join(root, "1001-1c1-03");
    symlinkSync(place, path);
    folders.keep([pod]);
    assert.match(lines.join(), /1001-1c1-03: Error: .* is a link/);
    rmSync(path);
    folders.keep([pod, { uid: "u2", ended: false, logFolder: null }]);
    assert.ok(lstatSync(path).isDirectory());
    rmSync(path, { recursive: true });
    folders.keep([pod]);
    assert.ok(!existsSync(path), "who removes it of a running instance has it removed");
    folders.keep([{ ...pod, uid: "u3" }]);
    assert.ok(existsSync(path));
  });
});
