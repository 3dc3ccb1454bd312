import { Type, type Static } from "typebox";

const text = Type.Object(
  { en: Type.String({ minLength: 1, maxLength: 200 }), zh: Type.String({ minLength: 1, maxLength: 200 }) },
  { additionalProperties: false },
);
const described = { description: text };
const integer = Type.Object(
  {
    ...described,
    type: Type.Literal("integer"),
    minimum: Type.Integer(),
    maximum: Type.Integer(),
    default: Type.Optional(Type.Integer()),
  },
  { additionalProperties: false },
);
const choice = Type.Object(
  {
    ...described,
    type: Type.Literal("choice"),
    values: Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { minItems: 1, maxItems: 50 }),
    default: Type.Optional(Type.String({ maxLength: 100 })),
  },
  { additionalProperties: false },
);
const words = Type.Object(
  {
    ...described,
    /** `text`: any one line; `path`: an absolute path without `..`; `host`: a DNS name or an IP; `url`: http or https. */
    type: Type.Enum(["text", "path", "host", "url"]),
    maxLength: Type.Integer({ minimum: 1, maximum: 4096 }),
    /** Of a path: the folders that it must be in. */
    folders: Type.Optional(Type.Array(Type.String({ pattern: "^/", maxLength: 200 }), { minItems: 1, maxItems: 20 })),
    default: Type.Optional(Type.String({ maxLength: 4096 })),
  },
  { additionalProperties: false },
);

/** How the output becomes rows. */
const rows = Type.Union([
  /** Each line cut at white space into `columns`; the last column takes the rest. */
  Type.Object(
    {
      by: Type.Literal("columns"),
      columns: Type.Array(Type.String({ pattern: "^[a-zA-Z][a-zA-Z0-9]{0,39}$" }), { minItems: 1, maxItems: 30 }),
      skipLines: Type.Integer({ minimum: 0, maximum: 100 }),
    },
    { additionalProperties: false },
  ),
  /** Each line cut at the first `separator` into `name` and `value`. */
  Type.Object(
    { by: Type.Literal("pairs"), separator: Type.String({ minLength: 1, maxLength: 5 }) },
    { additionalProperties: false },
  ),
  /** The kernel's tables of TCP sockets (proc_pid_net_tcp(5)). */
  Type.Object({ by: Type.Literal("tcp-table") }, { additionalProperties: false }),
  /** Each line a row with one column, `line`. */
  Type.Object({ by: Type.Literal("lines") }, { additionalProperties: false }),
]);

/**
 * A command with a name that operators may run without a shell, on one instance or a thousand. A version is never changed: a new one is
 * added. `{name}` in a word of `argv` is the parameter of that name, and stays inside its word.
 */
export const packagedCommandSchema = Type.Object(
  {
    name: Type.String({ pattern: "^[a-z][a-z0-9-]{0,39}$" }),
    version: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
    summary: text,
    /** Whether it changes anything: it then needs a reason, and the right to change. */
    changes: Type.Boolean(),
    argv: Type.Array(Type.String({ minLength: 1, maxLength: 500 }), { minItems: 1, maxItems: 50 }),
    parameters: Type.Record(Type.String({ pattern: "^[a-z][A-Za-z0-9]{0,39}$" }), Type.Union([integer, choice, words])),
    timeoutMs: Type.Integer({ minimum: 100, maximum: 3_600_000 }),
    maxOutputBytes: Type.Integer({ minimum: 1, maximum: 16_777_216 }),
    rows,
    /** Exit codes that are an answer, beside 0: grep has 1 for "nothing found". */
    goodExitCodes: Type.Array(Type.Integer({ minimum: 1, maximum: 255 }), { maxItems: 10 }),
    /** What it is held against before it is taken: parameters and the words they make, an output and its rows. */
    examples: Type.Array(
      Type.Object(
        {
          parameters: Type.Record(Type.String(), Type.Union([Type.String(), Type.Integer()])),
          argv: Type.Array(Type.String()),
          output: Type.String({ maxLength: 4096 }),
          rows: Type.Array(Type.Record(Type.String(), Type.String())),
        },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: 10 },
    ),
  },
  { additionalProperties: false },
);

export type PackagedCommand = Static<typeof packagedCommandSchema>;
export type Parameter = PackagedCommand["parameters"][string];
export type ParameterValues = Readonly<Record<string, string | number>>;

/** What is wrong, where, and what to do. */
export type CommandProblem = Readonly<{ path: string; problem: string; remedy: string }>;
