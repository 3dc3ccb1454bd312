// `npm run demo`: brings up everything from nothing, shows it, and leaves it running.
import { performance } from "node:perf_hooks";
import { formatDuration, runProgram } from "./step.ts";

const chinese = /^zh/i.test(process.env["LC_ALL"] || process.env["LC_MESSAGES"] || process.env["LANG"] || "");
const say = (english: string, zh: string) => console.log(chinese ? zh : english);

type Scene = Readonly<{ english: string; chinese: string; file: string; args: readonly string[] }>;

const scenes: readonly Scene[] = [
  {
    english: "A bank's network with real Kubernetes: two data centres, three clusters, racks, hosts, VMs, a firewall",
    chinese: "一张银行网络与真实的 Kubernetes：两个机房、三个集群，机架、宿主机、虚拟机与防火墙",
    file: "node_modules/.bin/wcs-lab",
    args: ["up", "two-idc"],
  },
  {
    english: "What is running, and what it costs this machine",
    chinese: "现在运行着什么，占用本机多少资源",
    file: "node_modules/.bin/wcs-lab",
    args: ["status"],
  },
];

const started = performance.now();
for (const [index, scene] of scenes.entries()) {
  console.log();
  say(`[${index + 1}/${scenes.length}] ${scene.english}`, `[${index + 1}/${scenes.length}] ${scene.chinese}`);
  const sceneStarted = performance.now();
  if (!(await runProgram(scene.file, scene.args))) {
    say(
      `\nThis step failed; its message is above. Run "npm run demo" again after mending it: finished steps are quick.`,
      `\n这一步失败了，原因见上。修好后再次运行 npm run demo 即可：已完成的步骤会很快。`,
    );
    process.exit(1);
  }
  say(
    `    took ${formatDuration(performance.now() - sceneStarted)}`,
    `    用时 ${formatDuration(performance.now() - sceneStarted)}`,
  );
}
console.log();
say(
  `The demo took ${formatDuration(performance.now() - started)} and stays up. Try next:`,
  `演示共用 ${formatDuration(performance.now() - started)}，环境保持运行。接下来可以试试：`,
);
for (const line of [
  'export PATH="$PWD/node_modules/.bin:$PATH"',
  "wcs-lab kubectl idc1-c1 get nodes",
  "wcs-lab fault cut-host idc1-h1; wcs-lab status; wcs-lab fault heal",
  "wcs-lab down",
]) {
  console.log(`  ${line}`);
}
