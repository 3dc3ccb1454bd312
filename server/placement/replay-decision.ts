import { createHash } from "node:crypto";
import {
  buildWorld,
  explainPlacement,
  planPlacement,
  type PlacementAnswer,
  type PlacementRequest,
  type World,
} from "@wcs/core/placement";
import type { Query } from "../database/database.ts";
import { version } from "../program/version.ts";
import type { StoredDecision } from "./decision-store.ts";
import { readEstate } from "./picture-parts.ts";

/** Makes a decision again from the picture and the question that were stored with it. `mayAsk` throws for who may not know. */
export async function replayDecision(
  query: Query,
  decision: StoredDecision,
  mayAsk: (world: World, question: PlacementRequest) => void,
) {
  const estate = await readEstate(query, decision.parts);
  const world = buildWorld(estate);
  const question = JSON.parse(decision.question) as PlacementRequest;
  mayAsk(world, question);
  const again = planPlacement(world, question);
  return {
    request: decision.request,
    decidedAt: decision.at,
    picture: `sha256:${createHash("sha256").update(decision.parts).digest("hex")}`,
    hosts: estate.hosts.length,
    instances: estate.instances.length,
    engine: { decided: decision.engine, now: version },
    same: JSON.stringify(again) === decision.answer,
    answer: JSON.parse(decision.answer) as PlacementAnswer,
    again,
    demands: explainPlacement(world, question),
  };
}
