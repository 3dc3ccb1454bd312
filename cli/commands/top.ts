import type { CallResult, OperationAnswer } from "@wcs/api";
import { placementOperations } from "@wcs/api/placement";
import type { ListView } from "../output/output.ts";
import type { Command, CommandContext } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { UsageError } from "../program/usage-error.ts";

const { listPoolUse, getPoolUse } = placementOperations;

type Pools = OperationAnswer<typeof listPoolUse>;
type Pool = Pools["items"][number];
type Detail = OperationAnswer<typeof getPoolUse>;
type Amount = Pool["capacity"];

export const top: Command = {
  usage: "pools [NAME]",
  options: {},
  examples: ["wcs top pools", "wcs top pools shared-1"],
  complete: async (words) => (words.length <= 1 ? ["pools"] : []),
  run: async (context) => {
    const [noun, name, ...more] = context.words;
    if ((noun !== "pools" && noun !== "pool") || more.length > 0) {
      throw new UsageError("say: pools [NAME]", "用法：pools [名称]");
    }
    const client = await context.client();
    if (name === undefined) {
      const { body }: CallResult<Pools> = await client.call(listPoolUse, {});
      await context.output.list(body.items, poolsView);
    } else {
      const { body }: CallResult<Detail> = await client.call(getPoolUse, { params: { name } });
      await tellPool(context, body);
    }
    return exitCodes.ok;
  },
};

const amountOf = ({ cpuMilli, memoryMiB }: Amount) =>
  `${Math.round(cpuMilli / 100) / 10}C/${Math.round(memoryMiB / 102.4) / 10}G`;

const poolsView: ListView<Pool> = {
  columns: [
    { header: { en: "POOL", zh: "资源池" }, value: ({ id }) => id },
    { header: { en: "HOSTS", zh: "宿主机" }, value: ({ hosts }) => hosts },
    { header: { en: "INSTANCES", zh: "实例" }, value: ({ instances }) => instances },
    { header: { en: "CAPACITY", zh: "容量" }, value: ({ capacity }) => amountOf(capacity) },
    { header: { en: "ALLOCATED", zh: "已分配" }, value: ({ allocated }) => amountOf(allocated) },
    { header: { en: "GUARANTEED", zh: "保底" }, value: ({ guaranteed }) => amountOf(guaranteed) },
    { header: { en: "BORROWED", zh: "借用" }, value: ({ borrowed }) => amountOf(borrowed) },
    { header: { en: "FREE", zh: "空闲" }, value: ({ free }) => amountOf(free) },
  ],
  nameOf: ({ id }) => `pool/${id}`,
};

const businessView: ListView<Detail["businesses"][number]> = {
  columns: [
    { header: { en: "BUSINESS", zh: "业务部门" }, value: ({ business }) => business },
    { header: { en: "GUARANTEE", zh: "保底" }, value: ({ guarantee }) => amountOf(guarantee) },
    { header: { en: "LIMIT", zh: "上限" }, value: ({ limit }) => amountOf(limit) },
    { header: { en: "USED", zh: "已用" }, value: ({ used }) => amountOf(used) },
    { header: { en: "BORROWED", zh: "借用" }, value: ({ borrowed }) => amountOf(borrowed) },
  ],
  nameOf: ({ business }) => business,
};

const rackView: ListView<Detail["racks"][number]> = {
  columns: [
    { header: { en: "RACK", zh: "机架" }, value: ({ rack }) => rack },
    { header: { en: "HOSTS", zh: "宿主机" }, value: ({ hosts }) => hosts },
    { header: { en: "CAPACITY", zh: "容量" }, value: ({ capacity }) => amountOf(capacity) },
    { header: { en: "ALLOCATED", zh: "已分配" }, value: ({ allocated }) => amountOf(allocated) },
    {
      header: { en: "FREE IPS", zh: "空闲 IP" },
      value: ({ freeIps }) => Object.entries(freeIps).map(([area, free]) => `${area} ${free}`),
    },
  ],
  nameOf: ({ rack }) => rack,
};

const fragmentationView: ListView<Detail["fragmentation"][number]> = {
  columns: [
    { header: { en: "CLASS", zh: "规格" }, value: (each) => each.class },
    { header: { en: "STILL FIT", zh: "还能放" }, value: ({ fits }) => fits },
    { header: { en: "IN ONE PIECE", zh: "若无碎片" }, value: ({ inOnePiece }) => inOnePiece },
  ],
  nameOf: (each) => each.class,
};

async function tellPool({ output }: CommandContext, pool: Detail): Promise<void> {
  if (output.format === "json" || output.format === "yaml") return output.document(pool);
  await output.one(pool, poolsView);
  for (const show of [
    () => output.list(pool.businesses, businessView),
    () => output.list(pool.racks, rackView),
    () => output.list(pool.fragmentation, fragmentationView),
  ]) {
    output.line("");
    await show();
  }
  return undefined;
}
