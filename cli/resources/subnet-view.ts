import type { ipamOperations, SubnetUsage } from "@wcs/api/ipam";
import { operationOnWire } from "@wcs/api/wire";
import type { Column } from "../output/table.ts";
import { estateView } from "./estate-view.ts";
import type { Item, ResourceView } from "./resource-view.ts";

const usage = operationOnWire<(typeof ipamOperations)[7]>("subnet-usage.list");

/** The estate's subnets, in the table with how much of each is used. The documents stay as they are, to be applied again. */
export function subnetView(): ResourceView {
  const estate = estateView("Subnet");
  const used = new WeakMap<Item, SubnetUsage>();
  const count = (en: string, zh: string, field: keyof SubnetUsage): Column<Item> => ({
    header: { en, zh },
    value: (item) => used.get(item)?.[field],
  });
  return {
    ...estate,
    view: {
      ...estate.view,
      columns: [
        ...estate.view.columns,
        count("FREE", "空闲", "free"),
        count("OF", "固定 IP 数", "fixed"),
        count("BOUND", "使用中", "bound"),
        count("HELD", "保留", "held"),
        count("RESERVED", "预留", "reserved"),
        count("COOLING", "冷却", "cooling"),
      ],
    },
    list: async (request) => {
      const page = await estate.list(request);
      const { items } = (await request.client.call(usage, { query: {} })).body;
      const bySubnet = new Map(items.map((each) => [each.subnet, each]));
      for (const item of page.items) {
        const found = bySubnet.get(String(item["name"]));
        if (found !== undefined) used.set(item, found);
      }
      return page;
    },
  };
}
