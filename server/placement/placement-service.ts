import {
  addInstance,
  findInstance,
  planPlacement,
  planResize,
  planWithinRack,
  removeInstance,
  type World,
} from "@wcs/core/placement";
import type { Query, Row } from "../database/database.ts";
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
      const moves = await plannedMoves(query);
      const { answer, written } = await picture.ask((world, write) =>
        afterMoves(world, moves, () =>
          refusingUnreadable(() => ({ answer: planPlacement(world, question), written: write() })),
        ),
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
      const moves = await plannedMoves(query);
      return picture.ask((world) =>
        afterMoves(world, moves, () => refusingUnreadable(() => planResize(world, request))),
      );
    },
    withinRack: async (query, host, instances) => {
      await refuseOwnChanges(query);
      const moves = await plannedMoves(query);
      return picture.ask((world) =>
        afterMoves(world, moves, () => refusingUnreadable(() => planWithinRack(world, host, instances))),
      );
    },
  };
}

/** The picture knows nothing of what a transaction has not committed, so it is asked before anything is written. */
async function refuseOwnChanges(query: Query): Promise<void> {
  const rows = await query("SELECT 1 FROM placement_changes WHERE xid = pg_current_xact_id_if_assigned() LIMIT 1");
  if (rows.length > 0) throw new Error("placement was asked after its transaction had changed instances or addresses");
}

type PlannedMove = Readonly<{ instance: string; host: string }>;

/** Moves off lost hosts that are approved and not yet decided: they hold their room on the new host. */
async function plannedMoves(query: Query): Promise<readonly PlannedMove[]> {
  return query<Row & PlannedMove>(
    "SELECT instance, to_host AS host FROM recovery_moves WHERE state = 'planned' ORDER BY instance",
  );
}

/** Asks of the world as it is once those moves are done, and puts it back. */
function afterMoves<T>(world: World, moves: readonly PlannedMove[], ask: () => T): T {
  const before = moves.flatMap(({ instance, host }) => {
    const record = findInstance(world, instance);
    return record === null || !world.hosts.names.index.has(host) ? [] : [{ record, host }];
  });
  for (const { record, host } of before) {
    removeInstance(world, record.id);
    addInstance(world, { ...record, host });
  }
  try {
    return ask();
  } finally {
    for (const { record } of before.toReversed()) {
      removeInstance(world, record.id);
      addInstance(world, record);
    }
  }
}
