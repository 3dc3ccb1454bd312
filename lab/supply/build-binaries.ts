import { join } from "node:path";
import { run } from "../process/run.ts";
import { LabError } from "../state/lab-error.ts";
import { labDir } from "../state/paths.ts";
import { readFileSync } from "node:fs";
import { cached, contentKey } from "./build-cache.ts";
import { findProgram } from "./packages.ts";
import type { Progress } from "./progress.ts";

const flags = ["-trimpath", "-buildvcs=false"];

/** `k8s.io/kubernetes v1.35.4` in go.mod -> `v1.35.4`. */
function versionOf(goMod: string, module: string): string {
  const match = new RegExp(`^\\s*(?:require )?${module.replaceAll(".", "\\.")} (v\\S+)`, "m").exec(
    readFileSync(goMod, "utf8"),
  );
  if (match?.[1] === undefined) throw new LabError("missing", `${goMod} requires no ${module}`);
  return match[1];
}

/** Builds Kubernetes' programs, or finds them in the cache. Returns their folder. */
export async function buildKubernetes(progress: Progress): Promise<string> {
  const version = versionOf(join(labDir, "binaries/kubernetes/go.mod"), "k8s.io/kubernetes");
  const [, major, minor] = /^v(\d+)\.(\d+)/.exec(version) ?? [];
  const variable = "k8s.io/component-base/version";
  const ldflags = `-s -w -X ${variable}.gitVersion=${version} -X ${variable}.gitMajor=${major} -X ${variable}.gitMinor=${minor}`;
  return build("kubernetes", `Kubernetes ${version}`, "4 to 6 minutes", ldflags, progress);
}

/** Builds etcd's programs, or finds them in the cache. Returns their folder; the server's program is named `server`. */
export async function buildEtcd(progress: Progress): Promise<string> {
  const version = versionOf(join(labDir, "binaries/etcd/go.mod"), "go.etcd.io/etcd/server/v3");
  return build("etcd", `etcd ${version}`, "1 to 2 minutes", "-s -w", progress);
}

async function build(
  name: string,
  title: string,
  usually: string,
  ldflags: string,
  progress: Progress,
): Promise<string> {
  const source = join(labDir, "binaries", name);
  const go = await goProgram();
  const files = ["go.mod", "go.sum", "main.go"].map((file) => join(source, file));
  return cached(name, contentKey(files, [...flags, ldflags, go.version]), async (folder) => {
    let packages = 0;
    let latest = "";
    const done = progress.step(`building ${title} from its Go module (once; ${usually} on two cores)`, () =>
      packages === 0 ? "linking" : `${packages} packages compiled, the latest ${latest}`,
    );
    await run(go.file, ["build", "-v", ...flags, "-ldflags", ldflags, "-o", `${folder}/`, "tool"], {
      cwd: source,
      env: { ...process.env, GOFLAGS: "-mod=readonly" },
      // with -v Go names each package on a line of its own as it compiles it
      onOutput: (text) => {
        const lines = text.split("\n").filter(Boolean);
        packages += lines.length;
        latest = lines.at(-1) ?? latest;
      },
    });
    done();
  });
}

/** @throws LabError "missing" with what to do when there is no Go */
export async function goProgram(): Promise<{ file: string; version: string }> {
  const file = findProgram("go") ?? findProgram("/usr/local/go/bin/go");
  if (file === null) {
    throw new LabError(
      "missing",
      "Go is not on the PATH. The lab builds Kubernetes from source: install Go 1.26 or newer.",
    );
  }
  return { file, version: (await run(file, ["env", "GOVERSION", "GOARCH", "CGO_ENABLED"])).trim() };
}
