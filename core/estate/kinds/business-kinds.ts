import { Type } from "typebox";
import { closedObject, labels, nameOf, subsystemId } from "./fields.ts";

export const businessSpec = closedObject({});

export const systemSpec = closedObject({
  business: nameOf("the business that owns it"),
});

const failureDomain = Type.Enum(["host", "rack", "cluster", "idc"], {
  description: "`host`, `rack`, `cluster` or `idc`",
});
const most = (what: string) =>
  Type.Integer({
    minimum: 1,
    maximum: 10_000,
    description: `how many instances of a DCN one ${what} may hold; absent: any`,
  });
const neighbours = (description: string) =>
  Type.Array(closedObject({ subsystem: subsystemId("the other subsystem"), domain: failureDomain }), {
    maxItems: 64,
    description,
  });

const placementRules = closedObject({
  maxPerHost: Type.Optional(most("host")),
  maxPerRack: Type.Optional(most("rack")),
  survival: Type.Optional(
    Type.Array(
      closedObject({
        domain: failureDomain,
        of: Type.Enum(["dcn", "group"], {
          description: "`dcn`: of each DCN; `group`: of all DCNs of its group together",
        }),
        sharePercent: Type.Integer({ minimum: 1, maximum: 99, description: "what must be left, of 100" }),
      }),
      { maxItems: 8, description: "what is left of the instances after the loss of any one domain; VMs count" },
    ),
  ),
  together: Type.Optional(neighbours("each instance shares the domain with one of the other subsystem in its DCN")),
  apart: Type.Optional(neighbours("no instance shares the domain with one of the other subsystem; binds both")),
  hostLabels: Type.Optional(labels),
});

export const subsystemSpec = closedObject({
  system: nameOf("the system that it is part of"),
  importance: Type.Enum(["A", "B", "C", "D"], { description: "importance level, `A` the highest" }),
  owner: nameOf("the person who answers for it"),
  operationsGroup: Type.Optional(nameOf("the group of people who operate it")),
  areas: Type.Optional(
    Type.Array(nameOf("a network area"), {
      minItems: 1,
      maxItems: 8,
      uniqueItems: true,
      description: "the areas that an instance has a NIC in, unless a request says otherwise; absent: `core`",
    }),
  ),
  profile: Type.Optional(nameOf("the tag under which measuring found it similar to others")),
  ioHeavy: Type.Optional(Type.Boolean({ description: "it writes so much that neighbours feel it" })),
  ioSensitive: Type.Optional(Type.Boolean({ description: "it feels neighbours that write much" })),
  rules: Type.Optional(placementRules),
});

export const dcnGroupSpec = closedObject({
  sharedIdc: Type.Optional(
    Type.Boolean({
      description: "whether DCNs of the group may be in one IDC; otherwise they must not; absent: false",
    }),
  ),
});

export const dcnSpec = closedObject({
  group: Type.String({
    pattern: "^(?:[0-9A-Z]{2}|ADM)$",
    description: "the DCN group; its id is the beginning of the DCN's, unless it is `ADM`",
  }),
  idc: nameOf("the one IDC that it lives in"),
  environment: nameOf("the environment that it belongs to"),
  role: Type.Enum(["active", "standby"], { description: "`active` or `standby`; it can change" }),
  clusters: Type.Optional(
    Type.Array(nameOf("a cluster"), {
      minItems: 1,
      maxItems: 64,
      uniqueItems: true,
      description: "the only clusters that it may use; absent: every cluster of its IDC and environment",
    }),
  ),
  databaseRack: Type.Optional(nameOf("the rack of the primary of its database")),
});

export const personSpec = closedObject({
  email: Type.Optional(
    Type.String({
      pattern: "^[\\x21-\\x3f\\x41-\\x7e]+@[\\x21-\\x3f\\x41-\\x7e]+$",
      maxLength: 254,
      description: "e-mail address",
    }),
  ),
  business: Type.Optional(nameOf("the business that the person works for; absent: the platform")),
});
