import { placementOperations } from "@wcs/api/placement";
import { estateView } from "./estate-view.ts";
import { tellPool } from "./pool-use.ts";
import type { ResourceView } from "./resource-view.ts";

/** A pool as the estate has it; one by name also with what is used of it, for people. */
export function poolView(): ResourceView {
  return {
    ...estateView("Pool"),
    more: async (client, output, name) => {
      const { body } = await client.call(placementOperations.getPoolUse, { params: { name } });
      output.line("");
      await tellPool(output, body);
    },
  };
}
