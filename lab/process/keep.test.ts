import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { it } from "node:test";
import { join } from "node:path";
import { labDir } from "../state/paths.ts";

it("a program that is killed is started again, and SIGTERM ends it for good", { timeout: 20_000 }, async () => {
  const keeper = spawn("sh", [join(labDir, "process/keep.sh"), "sh", "-c", "echo $$; exec sleep 1000"]);
  const lines = createInterface({ input: keeper.stdout })[Symbol.asyncIterator]();
  const next = async () => String((await lines.next()).value);
  const first = Number(await next());
  process.kill(first, "SIGKILL");
  assert.match(await next(), /ended with 137; starting it again/);
  const second = Number(await next());
  assert.notEqual(second, first);
  const exited = once(keeper, "exit");
  keeper.kill("SIGTERM");
  await exited;
  assert.throws(() => process.kill(second, 0), { code: "ESRCH" });
});
