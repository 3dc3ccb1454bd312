import { Type, type Static } from "typebox";
import { problemCodes } from "./problem-codes.ts";

/** One thing that was wrong: where (a JSON pointer into the body, a parameter, or a line of a file), what, and what to do. */
export const problemDetailSchema = Type.Object(
  {
    pointer: Type.Optional(Type.String({ description: "JSON pointer into the body, or the parameter's name" })),
    kind: Type.Optional(Type.String()),
    name: Type.Optional(Type.String()),
    line: Type.Optional(Type.Integer({ minimum: 1 })),
    column: Type.Optional(Type.Integer({ minimum: 1 })),
    code: Type.Optional(Type.String({ description: "the rule that does not hold" })),
    message: Type.String(),
  },
  { additionalProperties: false },
);

/** RFC 9457 with WCS's stable `code`, the request's id, and a list of what was wrong. */
export const problemSchema = Type.Object(
  {
    type: Type.String({ description: "the code's place in docs/errors.md" }),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.Enum(Object.keys(problemCodes)),
    detail: Type.Optional(Type.String()),
    instance: Type.Optional(Type.String({ description: "the request's id" })),
    errors: Type.Optional(Type.Array(problemDetailSchema)),
  },
  { additionalProperties: false },
);

export type ProblemDetail = Static<typeof problemDetailSchema>;
export type Problem = Static<typeof problemSchema>;
