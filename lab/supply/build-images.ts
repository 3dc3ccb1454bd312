import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../process/run.ts";
import { waitFor } from "../process/wait.ts";
import { LabError } from "../state/lab-error.ts";
import { labDir } from "../state/paths.ts";
import { goProgram } from "./build-binaries.ts";
import { cached, contentKey } from "./build-cache.ts";
import type { Progress } from "./progress.ts";

/** Versions of the demo application, each an image `demo:VERSION`; they differ in what `/` says. */
export const demoVersions = ["1", "2", "3"] as const;

/** What the cache's folder of images holds: the registry's storage, and the demo application as a program for VMs. */
export const imageFiles = (folder: string) => ({
  registryStorage: join(folder, "registry"),
  demoProgram: join(folder, "demo"),
});

/** Builds the images and a registry's storage that holds them, or finds both in the cache. Returns their folder. */
export async function buildImages(progress: Progress): Promise<string> {
  const source = join(labDir, "images");
  const go = await goProgram();
  const files = ["demo/go.mod", "demo/main.go", "pause/pause.c", "Containerfile"].map((file) => join(source, file));
  return cached("images", contentKey(files, [...demoVersions, go.version, "1"]), async (folder) => {
    const done = progress.step("building the images: pause, demo application");
    const context = join(folder, "context");
    mkdirSync(context);
    const compileDemo = (version: string, file: string) =>
      run(
        go.file,
        ["build", "-trimpath", "-buildvcs=false", "-ldflags", `-s -w -X main.version=${version}`, "-o", file, "."],
        {
          cwd: join(source, "demo"),
          env: { ...process.env, CGO_ENABLED: "0" },
        },
      );
    await run("cc", [
      "-static",
      "-Os",
      "-Wall",
      "-Werror",
      "-o",
      join(context, "pause"),
      join(source, "pause/pause.c"),
    ]);
    for (const version of demoVersions) await compileDemo(version, join(context, `demo-${version}`));
    await compileDemo("vm", imageFiles(folder).demoProgram);
    await withRegistry(imageFiles(folder).registryStorage, async (registry) => {
      const publish = (name: string, version: string, program: string) =>
        publishImage({ context, target: `${registry}/${name}:${version}`, program, version, work: folder });
      await publish("pause", "1", "pause");
      for (const version of demoVersions) await publish("demo", version, `demo-${version}`);
    });
    rmSync(context, { recursive: true });
    done();
  });
}

type Publication = Readonly<{ context: string; target: string; program: string; version: string; work: string }>;

/** unshare's arguments: a /run of its own. */
const privateRun = [
  ...(["--mount", "--propagation", "private", "sh", "-c"] as const),
  'mount -t tmpfs tmpfs /run && exec "$@"',
  "sh",
] as const;

async function publishImage({ context, target, program, version, work }: Publication): Promise<void> {
  const storage = mkdtempSync(join(work, "buildah-"));
  const runRoot = mkdtempSync(join(tmpdir(), "wcs-buildah-"));
  // buildah makes /etc/cni and /run/netns for networks that nothing here uses: it gets folders of its own for them
  const config = join(runRoot, "containers.conf");
  writeFileSync(config, `[network]\nnetwork_backend = "cni"\nnetwork_config_dir = "${join(runRoot, "networks")}"\n`);
  const buildah = (args: readonly string[]) =>
    run(
      "unshare",
      [
        ...privateRun,
        "buildah",
        "--root",
        storage,
        "--runroot",
        join(runRoot, "run"),
        "--storage-driver",
        "vfs",
        ...args,
      ],
      { env: { ...process.env, BUILDAH_ISOLATION: "chroot", CONTAINERS_CONF: config } },
    );
  try {
    await buildah([
      "bud", "--timestamp", "0", "--quiet", "--build-arg", `PROGRAM=${program}`, "--build-arg", `VERSION=${version}`,
      "-f", join(labDir, "images/Containerfile"), "-t", target, context,
    ]); // prettier-ignore
    await buildah(["push", "--tls-verify=false", target]);
  } finally {
    rmSync(storage, { recursive: true, force: true });
    rmSync(runRoot, { recursive: true, force: true });
  }
}

/** Configuration of a registry (distribution 2.8). Deletes are allowed: it is a lab. */
export const registryConfiguration = (storage: string, address: string) =>
  `${JSON.stringify(
    {
      version: "0.1",
      log: { level: "warn", accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: storage }, delete: { enabled: true } },
      http: { addr: address },
    },
    null,
    2,
  )}\n`;

/** Runs a registry on a free port of loopback while `use` lasts. */
async function withRegistry(storage: string, use: (address: string) => Promise<void>): Promise<void> {
  mkdirSync(storage, { recursive: true });
  const address = `127.0.0.1:${await freePort()}`;
  const config = join(storage, "..", "registry.yaml");
  writeFileSync(config, registryConfiguration(storage, address));
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "docker-registry", "serve", config], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let words = "";
  child.stderr.on("data", (piece: Buffer) => (words = (words + piece.toString("utf8")).slice(-2000)));
  try {
    await waitFor(
      async () => {
        if (child.exitCode !== null) throw new LabError("command_failed", `docker-registry has ended:\n${words}`);
        return fetch(`http://${address}/v2/`).then(
          (response) => response.ok,
          () => false,
        );
      },
      { what: "registry for the build", timeoutMs: 20_000 },
    );
    await use(address);
  } finally {
    child.kill("SIGKILL");
    rmSync(config, { force: true });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        typeof address === "object" && address !== null ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}
