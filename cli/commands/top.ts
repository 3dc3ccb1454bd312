import type { CallResult, OperationAnswer } from "@wcs/api";
import { placementOperations } from "@wcs/api/placement";
import type { Command } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { poolsView, tellPool } from "../resources/pool-use.ts";
import { UsageError } from "../program/usage-error.ts";

const { listPoolUse, getPoolUse } = placementOperations;

type Pools = OperationAnswer<typeof listPoolUse>;
type Detail = OperationAnswer<typeof getPoolUse>;

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
      if (context.output.format === "json" || context.output.format === "yaml") await context.output.document(body);
      else await tellPool(context.output, body);
    }
    return exitCodes.ok;
  },
};
