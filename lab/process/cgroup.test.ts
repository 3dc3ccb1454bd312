import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hierarchies } from "./cgroup.ts";

describe("the cgroup hierarchies of a machine", () => {
  it("are the v1 controllers and the unified one on a hybrid machine", () => {
    const found = hierarchies(
      [
        "30 23 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755",
        "31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct",
        "32 30 0:28 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd",
        "33 30 0:29 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw",
      ].join("\n"),
    );
    assert.deepEqual(
      found.map(({ path, version, controllers }) => [path, version, controllers]),
      [
        ["/sys/fs/cgroup/cpu,cpuacct", 1, ["cpu", "cpuacct"]],
        ["/sys/fs/cgroup/systemd", 1, ["name=systemd"]],
        ["/sys/fs/cgroup/unified", 2, []],
      ],
    );
  });

  it("are one on a machine that has only v2", () => {
    const found = hierarchies("26 23 0:22 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate");
    assert.deepEqual(found, [{ path: "/sys/fs/cgroup", version: 2, controllers: [] }]);
  });
});
