import { Type } from "typebox";
import { defineOperation } from "../http/operation.ts";
import { labelPattern } from "../shared/names.ts";
import {
  explanationSchema,
  lossQuestionSchema,
  lossReportSchema,
  placementAnswerSchema,
  placementQuestionSchema,
  poolDetailSchema,
  poolTotalsSchema,
  replaySchema,
} from "./placement-schema.ts";

const tag = "placement";

/** Questions to the placement engine. None of them changes or reserves anything. */
export const placementOperations = {
  plan: defineOperation({
    id: "placements.plan",
    tag,
    summary: "Where instances would go now, or why they can't; nothing is reserved",
    method: "POST",
    path: "/api/v1/placements/plan",
    body: placementQuestionSchema,
    answers: { 200: placementAnswerSchema },
    permission: { verb: "plan", resource: "placements" },
    errors: ["resource.not-found"],
    act: false,
  }),
  explain: defineOperation({
    id: "placements.explain",
    tag,
    summary: "The plan or refusal, how many hosts each rule took out, and what is against one host",
    method: "POST",
    path: "/api/v1/placements/explain",
    body: Type.Object(
      { question: placementQuestionSchema, host: Type.Optional(Type.String({ pattern: labelPattern, maxLength: 63 })) },
      { additionalProperties: false },
    ),
    answers: { 200: explanationSchema },
    permission: { verb: "plan", resource: "placements" },
    errors: ["resource.not-found"],
    act: false,
  }),
  replay: defineOperation({
    id: "placements.replay",
    tag,
    summary: "Makes a request's last decision again from the picture that was stored with it",
    method: "POST",
    path: "/api/v1/placements/replay",
    body: Type.Object(
      {
        request: Type.String({ pattern: "^q-[0-9]{1,12}$", description: "the request that the decision was made for" }),
      },
      { additionalProperties: false },
    ),
    answers: { 200: replaySchema },
    permission: { verb: "plan", resource: "placements" },
    errors: ["resource.not-found"],
    act: false,
  }),
  simulateLoss: defineOperation({
    id: "placements.simulate-loss",
    tag,
    summary: "What would be lost with a host, rack, cluster or IDC, and where it could go again",
    method: "POST",
    path: "/api/v1/placements/simulate-loss",
    body: lossQuestionSchema,
    answers: { 200: lossReportSchema },
    permission: { verb: "simulate", resource: "placements" },
    errors: ["resource.not-found"],
    act: false,
  }),
  listPoolUse: defineOperation({
    id: "pool-use.list",
    tag,
    summary: "What is used of every pool, the fullest first",
    method: "GET",
    path: "/api/v1/pool-use",
    answers: { 200: Type.Object({ items: Type.Array(poolTotalsSchema), next: Type.Null() }) },
    permission: { verb: "list", resource: "pools" },
    errors: [],
    act: false,
  }),
  getPoolUse: defineOperation({
    id: "pool-use.get",
    tag,
    summary: "What is used of one pool: by business, by rack, and what still fits by class",
    method: "GET",
    path: "/api/v1/pool-use/{name}",
    params: Type.Object({ name: Type.String({ pattern: labelPattern }) }),
    answers: { 200: poolDetailSchema },
    permission: { verb: "get", resource: "pools" },
    errors: ["resource.not-found"],
    act: false,
  }),
} as const;
