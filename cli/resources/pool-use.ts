import type { OperationAnswer } from "@wcs/api";
import type { placementOperations } from "@wcs/api/placement";
import type { ListView, Output } from "../output/output.ts";

type Detail = OperationAnswer<(typeof placementOperations)["getPoolUse"]>;
type Pool = OperationAnswer<(typeof placementOperations)["listPoolUse"]>["items"][number];
type Amount = Pool["capacity"];

const amountOf = ({ cpuMilli, memoryMiB }: Amount) =>
  `${Math.round(cpuMilli / 100) / 10}C/${Math.round(memoryMiB / 102.4) / 10}G`;

/** Every pool in a line. */
export const poolsView: ListView<Pool> = {
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

/** One pool: in all, by business, by rack, and how many of each class still fit. */
export async function tellPool(output: Output, pool: Detail): Promise<void> {
  await output.one(pool, poolsView);
  for (const show of [
    () => output.list(pool.businesses, businessView),
    () => output.list(pool.racks, rackView),
    () => output.list(pool.fragmentation, fragmentationView),
  ]) {
    output.line("");
    await show();
  }
}
