import { planPlacement, planResize } from "@wcs/core/placement";
import type { Query } from "../database/database.ts";
import type { PlacementService } from "../instance/neighbours.ts";
import { version } from "../program/version.ts";
import { insertDecision } from "./decision-store.ts";
import type { Picture } from "./picture.ts";
import { lockPlacement } from "./lock-placement.ts";
import { refusingUnreadable } from "./refusing-unreadable.ts";

/** The placement engine over the picture. */
export function placementService(picture: Picture): PlacementService {
  return {
    lock: lockPlacement,
    decide: async (query, question) => {
      await refuseOwnChanges(query);
      const { answer, written } = await picture.ask((world, write) =>
        refusingUnreadable(() => ({ answer: planPlacement(world, question), written: write() })),
      );
      return {
        answer,
        keep: async (tx, request) => {
          await picture.save(written);
          await insertDecision(tx.query, { request, engine: version, question, answer, parts: written.parts });
        },
      };
    },
    resize: async (query, request) => {
      await refuseOwnChanges(query);
      return picture.ask((world) => refusingUnreadable(() => planResize(world, request)));
    },
  };
}

/** The picture knows nothing of what a transaction has not committed, so it is asked before anything is written. */
async function refuseOwnChanges(query: Query): Promise<void> {
  const rows = await query("SELECT 1 FROM placement_changes WHERE xid = pg_current_xact_id_if_assigned() LIMIT 1");
  if (rows.length > 0) throw new Error("placement was asked after its transaction had changed instances or addresses");
}
