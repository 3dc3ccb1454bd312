import { placementOperations } from "@wcs/api/placement";
import { reaches } from "@wcs/core/access-rights";
import {
  explainPlacement,
  planPlacement,
  poolDetail,
  poolTotals,
  reasonsAgainst,
  scopesOfRequest,
  simulateLoss,
  type PlacementRequest,
  type World,
} from "@wcs/core/placement";
import { nowhere } from "../access/nowhere.ts";
import { notFound, principalReach, requireAccess, type Principal } from "../access/principal.ts";
import { answer, read } from "../http/route.ts";
import { bodyOf } from "./body-of.ts";
import type { Picture } from "./picture.ts";
import { lastDecision } from "./decision-store.ts";
import { changesPruner } from "./prune-changes.ts";
import { replayDecision } from "./replay-decision.ts";
import { refusingUnreadable } from "./refusing-unreadable.ts";
import type { Feature, Platform } from "../program/platform.ts";

const resource = "placements";

/** Questions to the placement engine: they plan, explain and simulate, and change nothing. */
export function createPlacement(platform: Platform, picture: Picture): Feature {
  const { plan, explain, replay, simulateLoss: simulate, listPoolUse, getPoolUse } = placementOperations;
  const ask = async <T>(principal: Principal, question: PlacementRequest, run: (world: World) => T): Promise<T> => {
    return picture.ask((world) =>
      refusingUnreadable(() => {
        for (const { name, scope } of scopesOfRequest(world, question)) {
          requireAccess(principal, { verb: "plan", resource, name, scope });
        }
        return run(world);
      }),
    );
  };
  return {
    routes: [
      read(plan, async ({ body, principal }) => {
        const decided = await ask(principal, body, (world) => planPlacement(world, body));
        return answer(200, bodyOf(decided));
      }),
      read(explain, async ({ body: { question, host }, principal }) => {
        const explained = await ask(principal, question, (world) => ({
          answer: planPlacement(world, question),
          demands: explainPlacement(world, question),
          host: host === undefined ? null : { name: host, demands: reasonsAgainst(world, question, host) },
        }));
        return answer(200, bodyOf(explained));
      }),
      read(replay, async ({ body: { request }, principal }) => {
        const decision = await lastDecision(platform.database.query, request);
        if (decision === null) throw notFound("requests", request);
        const replayed = await replayDecision(platform.database.query, decision, (world, question) => {
          for (const { name, scope } of scopesOfRequest(world, question)) {
            requireAccess(principal, { verb: "plan", resource, name, scope });
          }
        });
        return answer(200, bodyOf(replayed));
      }),
      read(simulate, async ({ body: { domain, name }, principal }) => {
        requireAccess(principal, { verb: "simulate", resource, name, scope: nowhere });
        const loss = await picture.ask((world) => refusingUnreadable(() => simulateLoss(world, domain, name)));
        return answer(200, bodyOf(loss));
      }),
      read(listPoolUse, async ({ principal }) => {
        const sees = reaches(principalReach(principal, "list", "pools"), nowhere);
        const items = sees ? await picture.ask(poolTotals) : [];
        return answer(200, { items: bodyOf(items), next: null });
      }),
      read(getPoolUse, async ({ params: { name }, principal }) => {
        requireAccess(principal, { verb: "get", resource: "pools", name, scope: nowhere });
        const detail = await picture.ask((world) =>
          world.pools.names.index.has(name) ? poolDetail(world, name) : null,
        );
        if (detail === null) throw notFound("pools", name);
        return answer(200, bodyOf(detail));
      }),
    ],
    reconcilers: [changesPruner(platform.database)],
    run: picture.run,
    finish: picture.close,
  };
}
