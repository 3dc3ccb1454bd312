// `npm run demo`: brings up everything from nothing, shows it, and leaves it running. `npm run demo -- down` takes it away.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { demoTokenFile, demoUrl, removeDemoServer, startDemoServer } from "./demo-server.ts";
import { formatDuration, root } from "./step.ts";

const chinese = /^zh/i.test(process.env["LC_ALL"] || process.env["LC_MESSAGES"] || process.env["LANG"] || "");
const text = (english: string, zh: string) => (chinese ? zh : english);
const bin = join(root, "node_modules/.bin");
const environment = { ...process.env, WCS_SERVER: demoUrl, WCS_TOKEN_FILE: demoTokenFile };
const shownClusters = ["idc1-c1", "idc1-c2", "idc2-c1"] as const;

/** Runs `wcs` or `wcs-lab` as a person would, with the line shown; throws when it fails. */
async function show(words: readonly [string, ...string[]], input?: string, from = ""): Promise<void> {
  console.log(`    $ ${from}${words.join(" ")}`);
  const [program, ...args] = words;
  const child = spawn(join(bin, program), args, {
    env: environment,
    stdio: [input === undefined ? "ignore" : "pipe", "inherit", "inherit"],
  });
  child.stdin?.end(input);
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`${words.join(" ")}: exit ${code}`);
}

/** The standard output of `wcs` or `wcs-lab`; throws when it fails. */
function outputOf(program: string, args: readonly string[]): string {
  const result = spawnSync(join(bin, program), args, { env: environment, encoding: "utf8", maxBuffer: 64 << 20 });
  if (result.status !== 0) throw new Error(`${program} ${args.join(" ")}: exit ${result.status}\n${result.stderr}`);
  return result.stdout;
}

const labIsUp = () => spawnSync(join(bin, "wcs-lab"), ["status", "-o", "json"], { stdio: "ignore" }).status === 0;

const scenes: readonly Readonly<{ title: string; run: () => Promise<void> }>[] = [
  {
    title: text(
      "A bank's network with real Kubernetes: two data centres, three clusters, racks, hosts, VMs, a firewall",
      "一张银行网络与真实的 Kubernetes：两个机房、三个集群，机架、宿主机、虚拟机与防火墙",
    ),
    run: async () => {
      // A new lab has new certificates: what an earlier demo's server knew of the old one is of no use.
      if (!labIsUp()) await removeDemoServer();
      await show(["wcs-lab", "up", "two-idc"]);
    },
  },
  {
    title: text("What is running, and what it costs this machine", "现在运行着什么，占用本机多少资源"),
    run: () => show(["wcs-lab", "status"]),
  },
  {
    title: text("The platform server, with a PostgreSQL of its own", "平台服务，自带 PostgreSQL"),
    run: async () => {
      await startDemoServer();
      await show(["wcs", "version"]);
    },
  },
  {
    title: text(
      "The bank's estate, in one act: all or nothing",
      "一次性导入银行的资源台账：要么全部成功，要么全部不变",
    ),
    run: async () => {
      await show(
        ["wcs", "apply", "-f", "-", "--reason", "demo", "--ticket", "CHG-1001"],
        outputOf("wcs-lab", ["estate"]),
        "wcs-lab estate | ",
      );
      await show(["wcs", "get", "hosts"]);
    },
  },
  {
    title: text(
      "Every cluster connected: checked, then kept under WCS's baseline",
      "接入每个集群：先检查，再持续保持 WCS 的安全基线",
    ),
    run: async () => {
      const known = outputOf("wcs", ["get", "cluster-connections", "-o", "name"]);
      for (const cluster of shownClusters) {
        if (known.split(/\s+/).some((name) => name.endsWith(cluster))) continue;
        const kubeconfig = outputOf("wcs-lab", ["kubeconfig", cluster]);
        await show(
          ["wcs", "cluster", "add", cluster, "--kubeconfig", "-", "--reason", "demo", "--ticket", "CHG-1001"],
          kubeconfig,
          `wcs-lab kubeconfig ${cluster} | `,
        );
      }
      await show(["wcs", "get", "cluster-connections"]);
    },
  },
  {
    title: text(
      "Who did what: the record, and the proof that it is whole",
      "谁做了什么：审计记录，以及它完整无缺的证明",
    ),
    run: async () => {
      await show(["wcs", "audit", "list", "--limit", "12"]);
      await show(["wcs", "audit", "verify"]);
    },
  },
];

async function runDemo(): Promise<void> {
  const started = performance.now();
  for (const [index, { title, run }] of scenes.entries()) {
    console.log(`\n[${index + 1}/${scenes.length}] ${title}`);
    const sceneStarted = performance.now();
    await run();
    const took = formatDuration(performance.now() - sceneStarted);
    console.log(text(`    took ${took}`, `    用时 ${took}`));
  }
  const took = formatDuration(performance.now() - started);
  console.log(
    text(`\nThe demo took ${took} and stays up. Try next:`, `\n演示共用 ${took}，环境保持运行。接下来可以试试：`),
  );
  for (const line of [
    'export PATH="$PWD/node_modules/.bin:$PATH"',
    `export WCS_TOKEN_FILE=${demoTokenFile}`,
    "wcs describe cluster-connection idc1-c1",
    "wcs get subnets; wcs get dcns; wcs describe host idc1-h1",
    "wcs-lab kubectl idc1-c1 get nodes",
    "wcs-lab fault cut-host idc1-h1; wcs-lab status; wcs-lab fault heal",
    "npm run demo -- down",
  ]) {
    console.log(`  ${line}`);
  }
}

const words = process.argv.slice(2);
try {
  if (words.length === 0) await runDemo();
  else if (words.length === 1 && words[0] === "down") {
    await removeDemoServer();
    await show(["wcs-lab", "down"]);
  } else {
    console.error(text("usage: npm run demo [-- down]", "用法：npm run demo [-- down]"));
    process.exitCode = 2;
  }
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : String(error)}`);
  console.error(
    text(
      'This step failed. Run "npm run demo" again after mending it: finished steps are quick.',
      "这一步失败了。修好后再次运行 npm run demo 即可：已完成的步骤会很快。",
    ),
  );
  process.exitCode = 1;
}
