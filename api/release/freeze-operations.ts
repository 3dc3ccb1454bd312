import { Type } from "typebox";
import { defineOperation } from "../http/operation.ts";
import { humanText, labelPattern, moment } from "../shared/names.ts";
import { dryRunQuery } from "../shared/page.ts";

const name = Type.String({ pattern: labelPattern });
const closed = { additionalProperties: false };
const localTime = Type.String({ maxLength: 32 });

const description = {
  name,
  environments: Type.Array(Type.String({ minLength: 1, maxLength: 63 }), {
    minItems: 1,
    maxItems: 100,
    uniqueItems: true,
  }),
  timeZone: Type.String({ minLength: 1, maxLength: 64, description: "IANA name: Asia/Shanghai" }),
  when: Type.Union(
    [
      Type.Object({ from: localTime, to: localTime }, closed),
      Type.Object(
        {
          days: Type.Array(Type.Integer({ minimum: 1, maximum: 7 }), { minItems: 1, maxItems: 7, uniqueItems: true }),
          fromTime: localTime,
          toTime: localTime,
        },
        closed,
      ),
    ],
    {
      description:
        "once, from one local date and time to another; or every week on some days (Monday is 1), until the next day when toTime is not after fromTime",
    },
  ),
};

const freezeWindowSchema = Type.Object({
  ...description,
  reason: Type.String(),
  createdBy: Type.String(),
  createdAt: moment,
});

export const freezeOperations = [
  defineOperation({
    id: "freezewindows.list",
    tag: "freezewindows",
    summary: "Freeze windows: times in which no release begins anything, unless the glass is broken with a reason",
    method: "GET",
    path: "/api/v1/freeze-windows",
    answers: { 200: Type.Object({ items: Type.Array(freezeWindowSchema) }) },
    permission: { verb: "list", resource: "freezewindows" },
    errors: [],
    act: false,
  }),
  defineOperation({
    id: "freezewindows.create",
    tag: "freezewindows",
    summary: "Add a freeze window; what is under way begins nothing more from its beginning to its end",
    method: "POST",
    path: "/api/v1/freeze-windows",
    query: Type.Object(dryRunQuery, closed),
    body: Type.Object({ ...description, reason: humanText(500) }, closed),
    answers: { 201: freezeWindowSchema },
    permission: { verb: "create", resource: "freezewindows" },
    errors: ["resource.not-found", "resource.exists", "request.invalid"],
    act: true,
  }),
  defineOperation({
    id: "freezewindows.delete",
    tag: "freezewindows",
    summary: "Take a freeze window away",
    method: "DELETE",
    path: "/api/v1/freeze-windows/{name}",
    params: Type.Object({ name }),
    query: Type.Object(dryRunQuery, closed),
    answers: { 204: null },
    permission: { verb: "delete", resource: "freezewindows" },
    errors: ["resource.not-found"],
    act: true,
  }),
] as const;
