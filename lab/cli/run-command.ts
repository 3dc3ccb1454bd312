import { spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream, existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { stringify } from "yaml";
import { faultNames, faultTargets, healFaults, makeFault } from "../lifecycle/faults.ts";
import { referenceProvider, type CniProvider } from "../host/cni-provider.ts";
import { measure } from "../lifecycle/figures.ts";
import { enterArguments, logFileOf, requireLab } from "../lifecycle/places.ts";
import { readStatus } from "../lifecycle/status.ts";
import { takeDown } from "../lifecycle/down.ts";
import { bringUp } from "../lifecycle/up.ts";
import { firewallName } from "../network/plan-fabric.ts";
import { run } from "../process/run.ts";
import { LabError } from "../state/lab-error.ts";
import { withLock } from "../state/lock.ts";
import { kubeconfigFile } from "../state/paths.ts";
import { prepare } from "../supply/prepare.ts";
import { lineProgress } from "../supply/progress.ts";
import { named } from "../topology/find.ts";
import { estateOf } from "../topology/estate-of.ts";
import { loadTopology, shippedTopologies, topologyFile } from "../topology/load-topology.ts";
import { commandHelp, helpText } from "./commands.ts";
import { figuresText, statusText } from "./print-status.ts";
import { suggest } from "./suggest.ts";
import { text } from "./text.ts";

const exitCodes = { usage: 2, bad_topology: 2, not_found: 3 } as const;

/** Runs one command of `wcs-lab`; returns its exit code. Data goes to standard output, all else to standard error. */
export async function runCommand(argv: readonly string[]): Promise<number> {
  try {
    return await dispatch(argv);
  } catch (error) {
    if (isSystemError(error)) {
      if (error.code === "EPIPE") return 0; // whoever reads our output has stopped
      console.error(`wcs-lab: ${error.message}`);
      return 1;
    }
    if (!(error instanceof LabError)) throw error;
    console.error(`wcs-lab: ${error.message}`);
    if (argv[0] === "up" && (error.code === "timeout" || error.code === "command_failed")) {
      console.error(
        text(
          "What there is of the lab stays for a look (wcs-lab status, wcs-lab logs). Then: wcs-lab up again, or wcs-lab down.",
          "未完成的环境保留以便查看（wcs-lab status、wcs-lab logs）。之后可再次 wcs-lab up，或 wcs-lab down。",
        ),
      );
    }
    return error.code in exitCodes ? exitCodes[error.code as keyof typeof exitCodes] : 1;
  }
}

/** The machine refused something (a full disk, no permission, a closed pipe): its own words say what and where. */
const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && "code" in error && "syscall" in error;

/** How long a lab is busy with itself after its nodes are Ready. */
const settleMs = 10_000;

const usage = (message: string) => new LabError("usage", message);
const progress = lineProgress((line) => console.error(line));

async function dispatch(argv: readonly string[]): Promise<number> {
  const [word, ...rest] = argv;
  if (word === undefined || word === "help" || word === "--help" || word === "-h") {
    (word === undefined ? process.stderr : process.stdout).write(helpText());
    return word === undefined ? 2 : 0;
  }
  if (!Object.hasOwn(commandHelp, word)) {
    const near = suggest(word, Object.keys(commandHelp));
    const hint = near === null ? "wcs-lab --help" : text(`did you mean "${near}"?`, `是否想输入 "${near}"？`);
    throw usage(text(`there is no command "${word}"; ${hint}`, `没有命令 "${word}"；${hint}`));
  }
  const command = word as keyof typeof commandHelp;
  if (rest[0] === "--help" || rest[0] === "-h") {
    console.log(`wcs-lab ${commandHelp[command].usage}\n  ${commandHelp[command].what}`);
    return 0;
  }
  return commands[command](rest);
}

type Options = NonNullable<Parameters<typeof parseArgs>[0]>["options"];

/** Options and positionals of a command. @throws LabError "usage" */
function parse(
  command: keyof typeof commandHelp,
  args: readonly string[],
  options: Options,
  positionals: [number, number],
) {
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], options: options ?? {}, allowPositionals: true, strict: true });
  } catch (error) {
    throw usage(
      `${error instanceof Error ? error.message : String(error)}\nusage: wcs-lab ${commandHelp[command].usage}`,
    );
  }
  const [least, most] = positionals;
  if (parsed.positionals.length < least || parsed.positionals.length > most) {
    throw usage(`${text("usage", "用法")}: wcs-lab ${commandHelp[command].usage}`);
  }
  return parsed;
}

function requireRoot(): void {
  if (process.getuid?.() !== 0) throw new LabError("needs_root", text("this needs root", "需要 root 权限"));
}

const commands: Record<keyof typeof commandHelp, (args: readonly string[]) => Promise<number>> = {
  async up(args) {
    const { values, positionals } = parse(
      "up",
      args,
      { "no-figures": { type: "boolean" }, cni: { type: "string" } },
      [0, 1],
    );
    requireRoot();
    const topology = loadTopology(topologyFile(positionals[0] ?? "two-idc"));
    const cni = typeof values["cni"] === "string" ? providerOf(values["cni"]) : null;
    const supplies = await prepare(progress);
    const state = await withLock(`up ${topology.name}`, () => bringUp({ topology, supplies, cni, progress }));
    if (values["no-figures"] !== true) {
      const done = progress.step(
        text("watching what it takes when idle (skip: --no-figures)", "测量空闲时的占用（--no-figures 可跳过）"),
      );
      const figures = await measure(5000, settleMs);
      done();
      const seconds = state.readySeconds?.toFixed(1);
      console.log(
        text(
          `every node Ready after ${seconds} s; ${figuresText(figures)}`,
          `全部节点就绪用时 ${seconds} 秒；${figuresText(figures)}`,
        ),
      );
    }
    return 0;
  },
  async down(args) {
    parse("down", args, {}, [0, 0]);
    requireRoot();
    await withLock("down", takeDown);
    return 0;
  },
  async status(args) {
    const { values } = parse("status", args, { output: { type: "string", short: "o" } }, [0, 0]);
    const output = values["output"] ?? "text";
    if (output !== "text" && output !== "json") throw usage("-o text|json");
    const status = await readStatus({ sampleMs: 2000 });
    console.log(output === "json" ? JSON.stringify(status, null, 2) : statusText(status));
    return 0;
  },
  async kubeconfig(args) {
    const { positionals } = parse("kubeconfig", args, {}, [1, 1]);
    const cluster = named(requireLab().topology.clusters, positionals[0] ?? "", "cluster");
    const file = kubeconfigFile(cluster.name);
    process.stdout.write(readFileSync(file));
    if (process.stdout.isTTY) console.error(text(`# this is the file ${file}`, `# 文件位置：${file}`));
    return 0;
  },
  async kubectl(args) {
    const [name, ...rest] = args;
    if (name === undefined) throw usage(`wcs-lab ${commandHelp.kubectl.usage}`);
    const { topology, supplies } = requireLab();
    const cluster = named(topology.clusters, name, "cluster");
    return inherit(join(supplies.kubernetes, "kubectl"), ["--kubeconfig", kubeconfigFile(cluster.name), ...rest], {});
  },
  async shell(args) {
    const { positionals } = parse("shell", args, {}, [1, 1]);
    const name = positionals[0] ?? "";
    return inherit("nsenter", [...enterArguments(name), "--", process.env["SHELL"] ?? "/bin/sh"], { PS1: `${name}# ` });
  },
  async exec(args) {
    const [name, separator, ...program] = args;
    if (name === undefined || separator !== "--" || program.length === 0) {
      throw usage(`wcs-lab ${commandHelp.exec.usage}`);
    }
    return inherit("nsenter", [...enterArguments(name), "--", ...program], {});
  },
  async logs(args) {
    const { values, positionals } = parse("logs", args, { follow: { type: "boolean", short: "f" } }, [1, 1]);
    const file = logFileOf(positionals[0] ?? "");
    if (values["follow"] === true) return inherit("tail", ["-n", "+1", "-F", file], {});
    await pipeline(createReadStream(file), process.stdout, { end: false });
    return 0;
  },
  async estate(args) {
    const { positionals } = parse("estate", args, {}, [0, 1]);
    const [name] = positionals;
    const topology = name === undefined ? requireLab().topology : loadTopology(topologyFile(name));
    process.stdout.write(
      estateOf(topology)
        .map((document) => `---\n${stringify(document)}`)
        .join(""),
    );
    return 0;
  },
  async firewall(args) {
    const { positionals } = parse("firewall", args, {}, [0, 1]);
    const { topology } = requireLab();
    const idcs = positionals[0] === undefined ? topology.idcs : [named(topology.idcs, positionals[0], "IDC")];
    for (const idc of idcs) {
      const rules = await run("nsenter", [...enterArguments(firewallName(idc.name)), "nft", "list", "ruleset"]);
      console.log(`# ${firewallName(idc.name)}\n${rules}`);
    }
    return 0;
  },
  async fault(args) {
    const { positionals } = parse("fault", args, {}, [1, 2]);
    requireRoot();
    const [kind = "", target] = positionals;
    const usageLines = () =>
      Object.entries(faultTargets(requireLab().topology))
        .map(([name, targets]) => `  ${name} ${targets.join("|")}`)
        .join("\n");
    if (kind !== "heal" && !faultNames.includes(kind)) {
      const near = suggest(kind, [...faultNames, "heal"]);
      const hint = near === null ? "" : text(`; did you mean "${near}"?`, `；是否想输入 "${near}"？`);
      throw usage(
        text(`there is no fault "${kind}"${hint}`, `没有故障类型 "${kind}"${hint}`) +
          `\n${usageLines()}\n  heal [all|TARGET]`,
      );
    }
    if (kind !== "heal" && target === undefined) throw usage(`wcs-lab fault ${kind} TARGET\n${usageLines()}`);
    await withLock(`fault ${positionals.join(" ")}`, () =>
      kind === "heal"
        ? healFaults(requireLab(), target === undefined || target === "all" ? null : target)
        : makeFault(requireLab(), kind, target ?? ""),
    );
    return 0;
  },
  async check(args) {
    const { positionals } = parse("check", args, {}, [1, 1]);
    const topology = loadTopology(topologyFile(positionals[0] ?? ""));
    console.log(text(`${topology.name}: no fault found`, `${topology.name}：没有问题`));
    return 0;
  },
  async topologies(args) {
    parse("topologies", args, {}, [0, 0]);
    for (const name of shippedTopologies()) console.log(name);
    return 0;
  },
  async prepare(args) {
    parse("prepare", args, {}, [0, 0]);
    requireRoot();
    await prepare(progress);
    return 0;
  },
};

/** Runs a program on the person's own terminal. */
async function inherit(file: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  const child = spawn(file, args, { stdio: "inherit", env: { ...process.env, ...env } });
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 1;
}

/** `reference`, or a program's path made absolute. @throws LabError "not_found" */
function providerOf(word: string): CniProvider {
  if (word === referenceProvider) return word;
  const file = resolve(word);
  if (!existsSync(file)) {
    throw new LabError("not_found", `--cni: there is no program ${file} (or say: --cni ${referenceProvider})`);
  }
  return file;
}
