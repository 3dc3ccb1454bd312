import { Type } from "typebox";
import { defineOperation } from "../http/operation.ts";

const component = Type.Object({ name: Type.String(), ok: Type.Boolean(), detail: Type.Optional(Type.String()) });

export const healthOperations = [
  defineOperation({
    id: "health.live",
    tag: "health",
    summary: "The process answers",
    method: "GET",
    path: "/healthz",
    answers: { 200: Type.Object({ ok: Type.Literal(true) }) },
    permission: "public",
    errors: [],
    act: false,
  }),
  defineOperation({
    id: "health.ready",
    tag: "health",
    summary: "The server can serve: its database answers and is migrated, and it is not stopping",
    method: "GET",
    path: "/readyz",
    answers: {
      200: Type.Object({ ok: Type.Literal(true), components: Type.Array(component) }),
      503: Type.Object({ ok: Type.Literal(false), components: Type.Array(component) }),
    },
    permission: "public",
    errors: [],
    act: false,
  }),
  defineOperation({
    id: "health.metrics",
    tag: "health",
    summary: "Prometheus metrics of this server",
    method: "GET",
    path: "/metrics",
    answers: { 200: Type.String() },
    answerMediaType: "text/plain",
    permission: { verb: "get", resource: "metrics" },
    errors: [],
    act: false,
  }),
  defineOperation({
    id: "health.openapi",
    tag: "health",
    summary: "This document",
    method: "GET",
    path: "/api/v1/openapi.json",
    answers: { 200: Type.Object({ openapi: Type.String() }, { additionalProperties: true }) },
    permission: "authenticated",
    errors: [],
    act: false,
  }),
] as const;
