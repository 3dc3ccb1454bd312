import { Type } from "typebox";
import { defineOperation } from "../http/operation.ts";

const cursor = Type.String({ minLength: 1, maxLength: 100, description: "where to go on from" });

export const watchOperations = [
  defineOperation({
    id: "watch.stream",
    tag: "watch",
    summary:
      "Changes as server-sent events: `event` is created, updated or deleted, `data` has kind, name, version, at and record, `id` is the cursor. Resume with Last-Event-ID or `cursor`; without one the stream begins now, and its first event, `begin`, has the cursor",
    method: "GET",
    path: "/api/v1/watch",
    query: Type.Object(
      {
        cursor: Type.Optional(cursor),
        kinds: Type.Optional(
          Type.String({ maxLength: 500, pattern: "^[A-Za-z]+(?:,[A-Za-z]+)*$", description: "comma-separated" }),
        ),
        name: Type.Optional(Type.String({ minLength: 1, maxLength: 63 })),
      },
      { additionalProperties: false },
    ),
    answers: { 200: Type.String({ description: "text/event-stream" }) },
    answerMediaType: "text/event-stream",
    permission: "authenticated",
    errors: ["watch.cursor-expired", "request.cursor-invalid"],
    act: false,
  }),
] as const;
