import { planPlacement } from "@wcs/core/placement";
import type { PlacementService } from "../instance/neighbours.ts";
import type { Picture } from "./picture.ts";
import { refusingUnreadable } from "./refusing-unreadable.ts";

// Any constant does, so long as every WCS server uses the same.
const placementLock = 0x776375;

/** The placement engine over the picture. */
export function placementService(picture: Picture): PlacementService {
  return {
    lock: async (tx) => {
      await tx.query("SELECT pg_advisory_xact_lock($1)", [placementLock]);
    },
    answer: async (query, request) => {
      const world = await picture(query);
      return refusingUnreadable(() => planPlacement(world, request));
    },
  };
}
