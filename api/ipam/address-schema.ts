import { Type, type Static } from "typebox";
import { addressConditions, addressOwnerKinds, addressStates, differenceKinds } from "@wcs/core/ipam";
import { ipv4AddressPattern } from "@wcs/core/ipv4";
import { moment } from "../shared/names.ts";

const nullable = <S extends Parameters<typeof Type.Union>[0][number]>(schema: S) => Type.Union([schema, Type.Null()]);

export const ipText = Type.String({ pattern: ipv4AddressPattern, maxLength: 15, description: "IPv4 address" });
export const macText = Type.String({
  pattern: "^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$",
  description: "MAC in small letters",
});
/** Names of instances, hosts, pods and the like, as the estate and Kubernetes write them. */
export const nameText = Type.String({ pattern: "^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$", maxLength: 253 });
export const nicText = Type.String({
  pattern: "^[a-z][a-z0-9-]{0,62}$",
  description: "a NIC: its interface's name, or its area",
});

export const ownerSchema = Type.Object(
  { kind: Type.Enum([...addressOwnerKinds]), name: nameText, nic: nicText },
  { additionalProperties: false, description: "who has the address" },
);

const binding = Type.Object({ podUid: Type.String(), containerId: Type.String(), host: Type.String() });

const what = {
  state: Type.Enum([...addressStates], { description: "`held`: the instance exists and its pod does not" }),
  condition: Type.Enum([...addressConditions], {
    description: "beside the state; in `conflict` (somebody else answers for it) and `blocked` it is given to nobody",
  }),
  conditionNote: nullable(Type.String()),
  owner: nullable(ownerSchema),
  business: nullable(Type.String()),
  environment: nullable(Type.String()),
  generation: Type.Integer({
    description: "grows with every giving: of two pods of an instance the lower is the older",
  }),
  binding: nullable(binding),
  retired: Type.Boolean({ description: "its instance is gone for good and the policy keeps it" }),
  releaseAt: nullable(moment),
  freeAt: nullable(moment),
};

export const addressSchema = Type.Object({
  ip: ipText,
  mac: macText,
  subnet: Type.String(),
  fixed: Type.Boolean({ description: "in the subnet's fixed range" }),
  ...what,
  subsystem: nullable(Type.String()),
  version: Type.Integer(),
});
/** One address of the ledger. */
export type Address = Static<typeof addressSchema>;

export const historySchema = Type.Object({
  version: Type.Integer(),
  at: moment,
  ...what,
  act: Type.String(),
  actor: Type.String(),
  reason: nullable(Type.String()),
  ticket: nullable(Type.String()),
  requestId: nullable(Type.String()),
});
/** One version of an address: what it became, when, by whom and why. */
export type AddressVersion = Static<typeof historySchema>;

/** What the ledger, Kubernetes, the hosts and the estate can differ in, and leaks. */
export const keptDifferenceKinds = [
  ...differenceKinds,
  "estate-claim",
  "abandoned-reservation",
  "vanished-pod",
  "orphan",
] as const;

export const differenceSchema = Type.Object({
  kind: Type.Enum([...keptDifferenceKinds]),
  ip: ipText,
  host: nullable(Type.String()),
  instance: nullable(Type.String()),
  detail: Type.String(),
  wayOut: Type.String({ description: "what to do about it, in the language that was asked for" }),
  firstSeen: moment,
  lastSeen: moment,
  timesSeen: Type.Integer(),
});
/** One difference, as the last comparison found it. */
export type Difference = Static<typeof differenceSchema>;

export const usageSchema = Type.Object({
  subnet: Type.String(),
  rack: Type.String(),
  area: Type.String(),
  network: Type.String(),
  gateway: Type.String(),
  fixed: Type.Integer({ description: "addresses of the fixed range" }),
  free: Type.Integer({ description: "of them, those that can be given out now" }),
  reserved: Type.Integer(),
  bound: Type.Integer(),
  held: Type.Integer(),
  cooling: Type.Integer(),
  unusable: Type.Integer({ description: "nobody's, and blocked or in conflict" }),
  dynamic: Type.Integer({ description: "addresses of the dynamic range" }),
  granted: Type.Integer({ description: "of them, those in hosts' blocks" }),
});
/** How much of a subnet is used. */
export type SubnetUsage = Static<typeof usageSchema>;

export const policySchema = Type.Object(
  {
    release: Type.Enum(["never", "after-ttl"], {
      description:
        "`never`: a retired instance's addresses stay with its name; `after-ttl`: they stay `ttlMs` for its return",
    }),
    ttlMs: Type.Optional(
      Type.Integer({ minimum: 300_000, maximum: 31_622_400_000, description: "milliseconds, at least five minutes" }),
    ),
    coolDownMs: Type.Integer({
      minimum: 0,
      maximum: 31_622_400_000,
      description: "how long a released address rests, milliseconds",
    }),
  },
  { additionalProperties: false },
);
