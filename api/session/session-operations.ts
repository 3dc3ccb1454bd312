import { packagedCommandSchema } from "@wcs/core/packaged-command";
import { Type } from "typebox";
import { defineOperation } from "../http/operation.ts";
import { instanceName } from "../instance/instance-operations.ts";
import { moment } from "../shared/names.ts";
import { dryRunQuery, pageOf, pageQuery } from "../shared/page.ts";

const closed = { additionalProperties: false } as const;
const maybe = <S extends Parameters<typeof Type.Union>[0][number]>(schema: S) => Type.Union([schema, Type.Null()]);
const id = Type.String({ pattern: "^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$" });

const execCommand = Type.Object(
  {
    kind: Type.Enum(["exec"]),
    argv: Type.Array(Type.String({ minLength: 0, maxLength: 65_536, pattern: "^[^\\u0000]*$" }), {
      minItems: 1,
      maxItems: 1000,
      description: "the program and its arguments, as they are: no shell reads them",
    }),
    mostSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 3600, default: 300 })),
  },
  closed,
);
const packagedCommand = Type.Object(
  {
    kind: Type.Enum(["run"]),
    name: Type.String({ maxLength: 40, description: "of a packaged command" }),
    parameters: Type.Optional(
      Type.Record(
        Type.String({ pattern: "^[a-zA-Z][A-Za-z0-9]{0,39}$" }),
        Type.Union([Type.String({ maxLength: 4096 }), Type.Integer()]),
        { additionalProperties: false, maxProperties: 50 },
      ),
    ),
  },
  closed,
);
const logsCommand = Type.Object(
  {
    kind: Type.Enum(["logs"]),
    follow: Type.Optional(Type.Boolean({ default: false })),
    previous: Type.Optional(Type.Boolean({ default: false, description: "of the container's run before this one" })),
    sinceSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 31_536_000 })),
    lastLines: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
    contains: Type.Optional(Type.String({ minLength: 1, maxLength: 1000, description: "only lines with this text" })),
  },
  closed,
);

const session = Type.Object({
  id,
  kind: Type.Enum(["exec", "logs", "run"]),
  person: Type.Object({ kind: Type.String(), name: Type.String() }),
  instance: Type.String(),
  host: Type.String(),
  command: Type.Union([execCommand, logsCommand, packagedCommand]),
  reason: maybe(Type.String()),
  ticket: maybe(Type.String()),
  state: Type.Enum(["running", "ended"]),
  startedAt: moment,
  endedAt: maybe(moment),
  exit: maybe(Type.Object({ code: maybe(Type.Integer()), reason: maybe(Type.String()) })),
  record: maybe(Type.Object({ hash: Type.String(), bytes: Type.Integer() })),
  version: Type.Integer(),
});

const params = Type.Object({ id });

/** The packaged commands that there are. */
export const packagedCommandOperations = [
  defineOperation({
    id: "packaged-commands.list",
    tag: "sessions",
    summary: "Packaged commands: what operators may run by name, with typed parameters and no shell",
    method: "GET",
    path: "/api/v1/packaged-commands",
    answers: { 200: Type.Object({ items: Type.Array(packagedCommandSchema) }) },
    permission: "authenticated",
    errors: [],
    act: false,
  }),
] as const;

export const sessionOperations = [
  defineOperation({
    id: "sessions.list",
    tag: "sessions",
    summary: "Sessions, the newest first: one's own, and those that one may see",
    method: "GET",
    path: "/api/v1/sessions",
    query: Type.Object({ ...pageQuery, instance: Type.Optional(Type.String({ maxLength: 63 })) }, closed),
    answers: { 200: pageOf(session) },
    permission: "authenticated",
    errors: ["request.cursor-invalid"],
    act: false,
  }),
  defineOperation({
    id: "sessions.get",
    tag: "sessions",
    summary: "One session",
    method: "GET",
    path: "/api/v1/sessions/{id}",
    params,
    answers: { 200: session },
    permission: "authenticated",
    errors: ["auth.forbidden"],
    act: false,
  }),
  defineOperation({
    id: "sessions.create",
    tag: "sessions",
    summary:
      "Run one program in an instance (exec), a packaged command (run), or read its log (logs). The program is caged: it writes only to temporary folders, keeps no capability, and ends with the session",
    method: "POST",
    path: "/api/v1/sessions",
    query: Type.Object(dryRunQuery, closed),
    body: Type.Object(
      { instance: instanceName, command: Type.Union([execCommand, logsCommand, packagedCommand]) },
      closed,
    ),
    answers: { 201: session },
    permission: "authenticated",
    errors: [
      "auth.forbidden",
      "resource.not-found",
      "instance.busy",
      "act.reason-required",
      "session.away",
      "command.refused",
    ],
    act: true,
  }),
  defineOperation({
    id: "sessions.end",
    tag: "sessions",
    summary: "End a session and all its processes: one's own, or another's with the right to it",
    method: "POST",
    path: "/api/v1/sessions/{id}/end",
    params,
    query: Type.Object(dryRunQuery, closed),
    answers: { 200: session },
    permission: "authenticated",
    errors: ["auth.forbidden", "session.elsewhere"],
    act: true,
  }),
  defineOperation({
    id: "sessions.record",
    tag: "sessions",
    summary:
      "A session's record from its beginning, an entry a line (JSON), each with a hash that takes in the one before; of a running session on until its end. Nothing is shown that is not durable in it",
    method: "GET",
    path: "/api/v1/sessions/{id}/record",
    params,
    answers: { 200: Type.String() },
    answerMediaType: "application/x-ndjson",
    permission: "authenticated",
    errors: ["auth.forbidden", "session.elsewhere"],
    act: false,
  }),
] as const;
