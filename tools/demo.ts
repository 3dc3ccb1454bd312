// `npm run demo`: brings up everything from nothing, shows it, and leaves it running. `npm run demo -- down` takes it away.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { release, requestInstances, rollBack } from "./demo/main-job.ts";
import { linkAgents, recoverHost } from "./demo/recover-host.ts";
import { demoTokenFile, isLabUp, personTokenFile, removeDemoServer, startDemoServer } from "./demo/server.ts";
import { clusters, outputOf, people, show, text } from "./demo/show.ts";
import { formatDuration, root } from "./step.ts";

const scenes: readonly Readonly<{ title: string; run: () => Promise<void> }>[] = [
  {
    title: text(
      "A bank's network with real Kubernetes: two data centres, three clusters, racks, hosts, VMs, a firewall",
      "一张银行网络与真实的 Kubernetes：两个机房、三个集群，机架、宿主机、虚拟机与防火墙",
    ),
    run: async () => {
      // A new lab has new certificates: what an earlier demo's server knew of the old one is of no use.
      if (!isLabUp()) await removeDemoServer();
      await show(["wcs-lab", "up", "two-idc", "--cni", join(root, "agent/bin/wecni-lab")]);
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
      await show(["wcs", "apply", "-f", "-", "--reason", "demo", "--ticket", "CHG-1001"], {
        input: outputOf("wcs-lab", ["estate"]),
        from: "wcs-lab estate | ",
      });
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
      for (const cluster of clusters) {
        if (known.split(/\s+/).some((name) => name.endsWith(cluster))) continue;
        const kubeconfig = outputOf("wcs-lab", ["kubeconfig", cluster]);
        await show(
          ["wcs", "cluster", "add", cluster, "--kubeconfig", "-", "--reason", "demo", "--ticket", "CHG-1001"],
          { input: kubeconfig, from: `wcs-lab kubeconfig ${cluster} | ` },
        );
      }
      await show(["wcs", "get", "cluster-connections"]);
    },
  },
  {
    title: text("Every host's agent joins the platform", "每台宿主机的代理加入平台"),
    run: linkAgents,
  },
  {
    title: text(
      "Two people of the bank: what one asks for, the other approves",
      "银行的两位同事：一人申请，另一人审批",
    ),
    run: async () => {
      await show(["wcs", "apply", "-f", "tools/demo/people.yaml", "--reason", "demo"]);
      for (const person of people) {
        if (existsSync(personTokenFile(person))) continue;
        const made = JSON.parse(outputOf("wcs", ["token", "create", "--for", `person/${person}`, "-o", "json"]));
        writeFileSync(personTokenFile(person), `${made.text}\n`, { mode: 0o600 });
      }
    },
  },
  {
    title: text(
      "A request: six instances in two DCNs, planned over all clusters, explained, and approved by the other person",
      "申请：两个 DCN 共六个实例，在所有集群上统一规划并给出解释，由另一人审批",
    ),
    run: () => requestInstances("CHG-1002"),
  },
  {
    title: text("Release 1: the first version, canary first", "第一次发布：先金丝雀，再全部"),
    run: async () => {
      if (outputOf("wcs", ["get", "templates", "-o", "name"]).trim() === "") {
        await show(["wcs", "template", "add", "1001", "-f", "tools/demo/template.yaml", "--reason", "demo"], {
          person: "zhang-wei",
        });
      }
      await release("1", "CHG-1003");
    },
  },
  {
    title: text(
      "Release 2: a new image, changed in place: same pods, same IPs",
      "第二次发布：新镜像，原地升级：容器组不变，IP 不变",
    ),
    run: () => release("2", "CHG-1004"),
  },
  {
    title: text("And back: roll back release 2", "回退第二次发布"),
    run: () => rollBack("CHG-1004"),
  },
  {
    title: text(
      "A host is switched off: its instance is recovered within the rack with its IP, and the host is fenced when it is back",
      "宿主机断电：其实例在机架内恢复，IP 不变；宿主机恢复后被隔离",
    ),
    run: () => recoverHost("CHG-1005"),
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
    "wcs get instances; wcs describe instance 1001-1a1-01; wcs describe ip 10.71.2.100",
    "wcs simulate loss rack idc1-r2; wcs top pools; wcs get subnets",
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
