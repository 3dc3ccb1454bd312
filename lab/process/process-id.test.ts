import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { readProcessId, startTimeOf } from "./process-id.ts";

const folder = mkdtempSync(join(tmpdir(), "wcs-pid-"));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, "pid");

describe("a process's identity", () => {
  it("holds while that process runs", () => {
    writeFileSync(file, `${process.pid} ${startTimeOf(process.pid)}\n`);
    assert.equal(readProcessId(file)?.pid, process.pid);
  });

  it("is not that of another process with the same number", () => {
    writeFileSync(file, `${process.pid} 1\n`);
    assert.equal(readProcessId(file), null);
  });

  it("is none when the file is absent, empty or torn", () => {
    assert.equal(readProcessId(join(folder, "absent")), null);
    for (const text of ["", "12", "x y", "-1 5"]) {
      writeFileSync(file, text);
      assert.equal(readProcessId(file), null, text);
    }
  });
});
