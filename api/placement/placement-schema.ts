import { Type, type TProperties } from "typebox";
import { ruleNames } from "@wcs/core/placement";
import { labelPattern } from "../shared/names.ts";

const closed = <P extends TProperties>(properties: P, options: Readonly<{ description?: string }> = {}) =>
  Type.Object(properties, { additionalProperties: false, ...options });
const nullable = <S extends Parameters<typeof Type.Union>[0][number]>(schema: S) => Type.Union([schema, Type.Null()]);

const label = Type.String({ pattern: labelPattern });
const subsystem = Type.String({ pattern: "^[0-9]{4}$" });
const dcn = Type.String({ pattern: "^[0-9A-Z]{3}$" });
const className = Type.String({ minLength: 1, maxLength: 63 });
const instanceName = Type.String({ minLength: 1, maxLength: 253 });
const count = Type.Integer({ minimum: 0, maximum: 10_000 });
const domain = Type.Enum(["host", "rack", "cluster", "idc"]);
const amount = closed({ cpuMilli: Type.Number(), memoryMiB: Type.Number() });

/** The same sentence in both languages. */
export const sentenceSchema = closed({ en: Type.String(), zh: Type.String() });

const survivalRule = closed({
  domain,
  of: Type.Enum(["dcn", "group"]),
  sharePercent: Type.Number({ minimum: 0, maximum: 100 }),
});
const neighbours = Type.Array(closed({ subsystem, domain }), { maxItems: 64 });
const rules = closed(
  {
    maxPerHost: Type.Optional(Type.Integer({ minimum: 1 })),
    maxPerRack: Type.Optional(Type.Integer({ minimum: 1 })),
    survival: Type.Optional(Type.Array(survivalRule, { maxItems: 8 })),
    together: Type.Optional(neighbours),
    apart: Type.Optional(neighbours),
    hostLabels: Type.Optional(Type.Record(Type.String(), Type.String())),
  },
  { description: "instead of the subsystem's own, for this question" },
);

const item = closed({
  subsystem,
  class: className,
  areas: Type.Array(label, { minItems: 1, maxItems: 8, description: "a network area for each NIC" }),
  counts: Type.Record(dcn, count, { description: "for each DCN, how many there shall be afterwards" }),
  countVms: Type.Optional(Type.Boolean({ description: "the subsystem's VMs are part of the counts" })),
  lifetime: Type.Optional(Type.Enum(["long-term", "temporary"])),
  pool: Type.Optional(label),
  rules: Type.Optional(rules),
});

/** A question to the placement engine: what is planned together. */
export const placementQuestionSchema = closed({
  items: Type.Optional(Type.Array(item, { maxItems: 100 })),
  replace: Type.Optional(
    Type.Array(instanceName, { maxItems: 1_000, description: "instances that must find a place anew" }),
  ),
});

const planned = closed({
  subsystem,
  dcn,
  class: className,
  lifetime: Type.Enum(["long-term", "temporary"]),
  idc: Type.String(),
  cluster: Type.String(),
  rack: Type.String(),
  host: Type.String(),
  pool: Type.String(),
  nics: Type.Array(closed({ area: Type.String(), subnet: Type.String() })),
  borrowed: Type.Boolean({ description: "beyond the guarantee of its business" }),
  replaces: Type.Optional(instanceName),
});

const plan = closed({
  outcome: Type.Literal("plan"),
  places: Type.Array(planned),
  removals: Type.Array(instanceName),
  score: closed({
    total: Type.Number(),
    parts: Type.Record(Type.String(), closed({ amount: Type.Number(), points: Type.Number() })),
  }),
  notes: Type.Array(sentenceSchema),
});

const refusal = closed({
  outcome: Type.Literal("refusal"),
  proved: Type.Boolean({ description: "there is no plan; false: the limit of effort was reached" }),
  minimal: Type.Boolean({ description: "without any one of the conflict's constraints there is a plan" }),
  conflict: Type.Array(closed({ rule: Type.Enum([...ruleNames]), subject: Type.String(), text: sentenceSchema })),
  remedies: Type.Array(
    closed({
      kind: Type.Enum(["more", "loosen", "move", "count", "repair", "return"]),
      enough: Type.Boolean({ description: "alone it makes the whole request fit" }),
      text: sentenceSchema,
    }),
  ),
  notes: Type.Array(sentenceSchema),
  text: sentenceSchema,
});

export const placementAnswerSchema = Type.Union([plan, refusal]);

const reason = closed({ rule: Type.Enum([...ruleNames]), text: sentenceSchema });

const demands = Type.Array(
  closed({
    subsystem,
    dcn,
    class: className,
    count: Type.Integer(),
    hosts: Type.Integer({ description: "all hosts of the estate" }),
    steps: Type.Array(
      closed({
        rule: Type.Enum([...ruleNames]),
        hosts: Type.Integer({ description: "those that this rule took out of what the rules before it left" }),
        example: Type.String(),
        text: sentenceSchema,
      }),
    ),
    left: Type.Integer({ description: "hosts where one instance may be placed" }),
  }),
);

export const explanationSchema = closed({
  answer: placementAnswerSchema,
  demands,
  host: nullable(
    closed({
      name: Type.String(),
      demands: Type.Array(closed({ subsystem, dcn, class: className, reasons: Type.Array(reason) })),
    }),
  ),
});

/** A decision made again from what was stored with it. */
export const replaySchema = closed({
  request: Type.String(),
  decidedAt: Type.String({ format: "date-time" }),
  picture: Type.String({ description: "the hash (SHA-256) of the picture that it was decided on" }),
  hosts: Type.Integer({ description: "in that picture" }),
  instances: Type.Integer({ description: "in that picture" }),
  engine: closed({ decided: Type.String(), now: Type.String() }),
  same: Type.Boolean({ description: "the answer is the same again, byte for byte" }),
  answer: placementAnswerSchema,
  again: placementAnswerSchema,
  demands,
});

export const lossQuestionSchema = closed({ domain, name: Type.String({ minLength: 1, maxLength: 63 }) });

export const lossReportSchema = closed({
  domain,
  id: Type.String(),
  hosts: Type.Integer(),
  instances: Type.Integer(),
  vms: Type.Integer(),
  deployments: Type.Array(
    closed({
      subsystem,
      dcn,
      group: Type.String(),
      before: Type.Integer(),
      lostInstances: Type.Array(instanceName),
      lostVms: Type.Integer(),
      left: Type.Integer(),
      groupBefore: Type.Integer(),
      groupLeft: Type.Integer(),
      broken: Type.Array(
        closed({ rule: survivalRule, before: Type.Integer(), left: Type.Integer(), mustBeLeft: Type.Integer() }),
      ),
      replacements: Type.Array(planned),
      unplaced: Type.Array(instanceName),
      refusal: nullable(sentenceSchema),
    }),
  ),
});

const poolTotals = {
  id: Type.String(),
  hosts: Type.Integer(),
  instances: Type.Integer(),
  capacity: amount,
  allocated: amount,
  guaranteed: amount,
  borrowed: amount,
  free: amount,
};
export const poolTotalsSchema = closed(poolTotals);

export const poolDetailSchema = closed({
  ...poolTotals,
  businesses: Type.Array(
    closed({
      business: Type.String(),
      guarantee: amount,
      limit: amount,
      used: amount,
      longTerm: amount,
      borrowed: amount,
    }),
  ),
  racks: Type.Array(
    closed({
      rack: Type.String(),
      hosts: Type.Integer(),
      capacity: amount,
      allocated: amount,
      freeIps: Type.Record(Type.String(), Type.Integer()),
    }),
  ),
  fragmentation: Type.Array(
    closed({
      class: className,
      fits: Type.Integer({ description: "how many more fit, host by host" }),
      inOnePiece: Type.Integer({ description: "how many would, were all that is free in one piece" }),
    }),
  ),
});
