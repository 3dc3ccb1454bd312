import { Type, type Static } from "typebox";

const path = Type.String({ minLength: 1, maxLength: 255 });
const port = Type.Integer({ minimum: 1, maximum: 65_535 });
const texts = Type.Array(Type.String({ maxLength: 4096 }), { maxItems: 100 });
const http = Type.Object({ path: Type.String({ maxLength: 1024 }), port }, { additionalProperties: false });
const value = Type.Union([
  Type.String({ maxLength: 4096 }),
  Type.Number(),
  Type.Boolean(),
  Type.Array(Type.String({ maxLength: 4096 }), { maxItems: 100 }),
  Type.Array(Type.Number(), { maxItems: 100 }),
]);

/** Values for a template's parameters. */
export const parameterValuesSchema = Type.Record(Type.String({ pattern: "^[a-z][A-Za-z0-9]{0,62}$" }), value, {
  additionalProperties: false,
  maxProperties: 100,
});

const item = Type.Object(
  {
    type: Type.Enum(["string", "integer", "number"]),
    pattern: Type.Optional(Type.String({ maxLength: 200 })),
    maxLength: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  { additionalProperties: false },
);

const property = Type.Object(
  {
    type: Type.Enum(["string", "integer", "number", "boolean", "array"]),
    title: Type.Optional(Type.String({ maxLength: 200 })),
    description: Type.Optional(Type.String({ maxLength: 2000 })),
    default: Type.Optional(value),
    enum: Type.Optional(Type.Array(Type.Union([Type.String({ maxLength: 4096 }), Type.Number()]), { maxItems: 100 })),
    minimum: Type.Optional(Type.Number()),
    maximum: Type.Optional(Type.Number()),
    minLength: Type.Optional(Type.Integer({ minimum: 0 })),
    maxLength: Type.Optional(Type.Integer({ minimum: 0 })),
    pattern: Type.Optional(Type.String({ maxLength: 200 })),
    minItems: Type.Optional(Type.Integer({ minimum: 0 })),
    maxItems: Type.Optional(Type.Integer({ minimum: 0 })),
    items: Type.Optional(item),
  },
  { additionalProperties: false },
);

const parameters = Type.Object(
  {
    type: Type.Literal("object"),
    properties: Type.Record(Type.String({ pattern: "^[a-z][A-Za-z0-9]{0,62}$" }), property, {
      additionalProperties: false,
      maxProperties: 100,
    }),
    required: Type.Optional(Type.Array(Type.String({ maxLength: 63 }), { maxItems: 100 })),
    additionalProperties: Type.Optional(Type.Literal(false)),
  },
  { additionalProperties: false, description: "JSON Schema (2020-12) of the parameters: an object of plain values" },
);

const probe = Type.Object(
  {
    http: Type.Optional(http),
    tcp: Type.Optional(Type.Object({ port }, { additionalProperties: false })),
    command: Type.Optional(texts),
    initialDelaySeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 3600 })),
    periodSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 3600 })),
    timeoutSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 300 })),
    failureThreshold: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
  },
  { additionalProperties: false },
);

/**
 * What one version of a template says. `${parameter}` and `${wcs.ip}` may stand in command, args, environment, labels and the content of
 * files.
 */
export const templateSpecSchema = Type.Object(
  {
    parameters: Type.Optional(parameters),
    image: Type.String({
      minLength: 1,
      maxLength: 255,
      description: "registry and path, without tag and digest; a release brings the digest",
    }),
    command: Type.Optional(texts),
    args: Type.Optional(texts),
    environment: Type.Optional(Type.Record(Type.String(), Type.String({ maxLength: 32_768 }), { maxProperties: 200 })),
    ports: Type.Optional(
      Type.Array(
        Type.Object(
          {
            name: Type.String({ minLength: 1, maxLength: 15 }),
            port,
            protocol: Type.Optional(Type.Enum(["TCP", "UDP"])),
          },
          { additionalProperties: false },
        ),
        { maxItems: 50 },
      ),
    ),
    probes: Type.Optional(
      Type.Object(
        { startup: Type.Optional(probe), readiness: Type.Optional(probe), liveness: Type.Optional(probe) },
        { additionalProperties: false },
      ),
    ),
    gracefulStop: Type.Optional(
      Type.Object(
        {
          seconds: Type.Integer({ minimum: 1, maximum: 900 }),
          command: Type.Optional(texts),
          http: Type.Optional(http),
        },
        { additionalProperties: false },
      ),
    ),
    files: Type.Optional(
      Type.Array(
        Type.Object(
          {
            path,
            content: Type.String({ maxLength: 524_288 }),
            mode: Type.Optional(Type.String({ description: 'octal: "0440"' })),
          },
          { additionalProperties: false },
        ),
        { maxItems: 30 },
      ),
    ),
    folders: Type.Optional(
      Type.Array(
        Type.Object({ path, sizeMiB: Type.Integer({ minimum: 1, maximum: 102_400 }) }, { additionalProperties: false }),
        { maxItems: 20 },
      ),
    ),
    logFolder: Type.Optional(path),
    labels: Type.Optional(Type.Record(Type.String(), Type.String({ maxLength: 63 }), { maxProperties: 30 })),
    timeZone: Type.Optional(Type.String({ maxLength: 64 })),
    user: Type.Object(
      {
        uid: Type.Integer({ minimum: 1, maximum: 2_147_483_647 }),
        gid: Type.Integer({ minimum: 1, maximum: 2_147_483_647 }),
      },
      { additionalProperties: false },
    ),
    readOnlyRoot: Type.Optional(Type.Boolean()),
    extraNic: Type.Optional(
      Type.Object({ area: Type.String({ minLength: 1, maxLength: 63 }) }, { additionalProperties: false }),
    ),
  },
  { additionalProperties: false },
);

/** A template's spec as the API takes it. */
export type TemplateBody = Static<typeof templateSpecSchema>;
