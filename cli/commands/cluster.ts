import { readFileSync } from "node:fs";
import type { clusterOperations } from "@wcs/api/cluster";
import { operationOnWire } from "@wcs/api/wire";
import type { Command, CommandContext } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { UsageError } from "../program/usage-error.ts";
import { clusterConnectionView } from "../resources/cluster-connection-view.ts";

const create = operationOnWire<(typeof clusterOperations)[2]>("clusterconnections.create");
const repair = operationOnWire<(typeof clusterOperations)[3]>("clusterconnections.repair");
const remove = operationOnWire<(typeof clusterOperations)[4]>("clusterconnections.delete");
const words = ["add", "repair", "remove"] as const;

export const cluster: Command = {
  usage: "add NAME --kubeconfig FILE | repair NAME --kubeconfig FILE | remove NAME [--force]",
  options: {
    kubeconfig: {
      type: "string",
      value: "FILE",
      help: {
        en: "of an administrator of the cluster, whole (--flatten); `-` is standard input",
        zh: "集群管理员的完整 kubeconfig（--flatten）；`-` 表示标准输入",
      },
    },
    context: { type: "string", value: "NAME", help: { en: "default: its current context", zh: "默认使用当前上下文" } },
    "exempt-namespace": {
      type: "string",
      value: "NAME",
      multiple: true,
      help: {
        en: "a namespace of add-ons that stay privileged; again for each",
        zh: "保留特权的附加组件命名空间，可重复",
      },
    },
    force: {
      type: "boolean",
      help: {
        en: "remove: forget a cluster that is gone, without touching it",
        zh: "remove：不访问集群，直接移除已不存在的集群",
      },
    },
  },
  examples: [
    "kubectl config view --minify --flatten --raw | wcs cluster add idc1-a --kubeconfig -",
    "wcs get cluster-connections",
    "wcs describe cluster-connection idc1-a",
    "wcs cluster remove idc1-a",
  ],
  complete: async (typed) => (typed.length <= 1 ? words : []),
  run: async (context) => {
    const [word, name, ...more] = context.words;
    if (name === undefined || more.length > 0) {
      throw new UsageError("say add, repair or remove, and one cluster", "请用 add、repair 或 remove，并指定一个集群");
    }
    switch (word) {
      case "add":
        return add(name, context);
      case "repair":
        return repairOne(name, context);
      case "remove":
        return removeOne(name, context);
      default:
        throw new UsageError(`cluster ${word ?? ""}: not one of ${words.join(", ")}`, `应为 ${words.join("、")} 之一`);
    }
  },
};

async function add(name: string, context: CommandContext): Promise<number> {
  const { client, options, output, act, isDryRun } = context;
  const exempt = options["exempt-namespace"];
  const order = await orderOf(context);
  const { body } = await (
    await client()
  ).call(create, {
    query: { dryRun: isDryRun },
    body: { name, ...order, ...(Array.isArray(exempt) ? { exemptNamespaces: exempt as string[] } : {}) },
    ...act(),
  });
  if (isDryRun) {
    output.say({ en: `Cluster ${name} can be registered.`, zh: `集群 ${name} 可以注册。` });
    return exitCodes.ok;
  }
  await output.one(body, clusterConnectionView.view);
  output.say({
    en: `Cluster ${name} is registered. The kubeconfig was not kept: WCS has identities of its own there.`,
    zh: `集群 ${name} 已注册。kubeconfig 未保存：WCS 在集群中使用自己的身份。`,
  });
  return exitCodes.ok;
}

async function repairOne(name: string, context: CommandContext): Promise<number> {
  const { client, output, act, isDryRun } = context;
  const order = await orderOf(context);
  const { body } = await (
    await client()
  ).call(repair, { params: { name }, query: { dryRun: isDryRun }, body: order, ...act() });
  await output.one(body, clusterConnectionView.view);
  return exitCodes.ok;
}

async function removeOne(
  name: string,
  { client, options, output, act, isDryRun, confirm }: CommandContext,
): Promise<number> {
  const question = {
    en: `Take WCS's baseline and the businesses' namespaces out of cluster ${name}?`,
    zh: `从集群 ${name} 中移除 WCS 基线和各业务命名空间？`,
  };
  if (!isDryRun && !(await confirm(question))) return exitCodes.failed;
  await (
    await client()
  ).call(remove, {
    params: { name },
    query: { dryRun: isDryRun, force: options["force"] === true },
    ...act(),
  });
  if (!isDryRun) output.say({ en: `Cluster ${name} is being removed.`, zh: `集群 ${name} 正在移除。` });
  return exitCodes.ok;
}

async function orderOf({ options, readStdin }: CommandContext): Promise<{ kubeconfig: string; context?: string }> {
  const { kubeconfig: file, context } = options;
  if (typeof file !== "string") throw new UsageError("give --kubeconfig FILE", "请指定 --kubeconfig FILE");
  return {
    kubeconfig: file === "-" ? await readStdin() : readKubeconfig(file),
    ...(typeof context === "string" ? { context } : {}),
  };
}

function readKubeconfig(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`the kubeconfig can't be read: ${why}`, `无法读取 kubeconfig：${why}`);
  }
}
