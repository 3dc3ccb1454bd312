import { Type } from "typebox";
import { defineOperation } from "../http/operation.ts";
import { labelPattern, moment } from "../shared/names.ts";
import { dryRunQuery, pageOf, pageQuery } from "../shared/page.ts";

const closed = <const P extends Parameters<typeof Type.Object>[0]>(properties: P) =>
  Type.Object(properties, { additionalProperties: false });

const nameParams = Type.Object({ name: Type.String({ pattern: labelPattern }) });
const idParams = Type.Object({ id: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }) });
const dryRun = closed(dryRunQuery);

/** Kinds whose changes the CMDB gets. */
const kinds = Type.Array(Type.Enum(["Host", "VM", "Instance"]), { minItems: 1, uniqueItems: true });

const target = {
  type: Type.Enum(["webhook"], { description: "the adapter" }),
  url: Type.String({
    pattern: "^https?://[^\\s@]{1,1000}$",
    format: "uri",
    description: "where changes are posted to",
  }),
  kinds,
  enabled: Type.Boolean({ description: "whether changes are sent now; they are kept either way" }),
};

const targetRecord = Type.Object({
  kind: Type.Literal("CmdbTarget"),
  name: Type.String(),
  ...target,
  version: Type.Integer(),
  waiting: Type.Integer({ description: "deliveries that wait" }),
  dead: Type.Integer({ description: "deliveries that gave up" }),
});

const delivery = Type.Object({
  id: Type.Integer(),
  target: Type.String(),
  state: Type.Enum(["waiting", "delivered", "dead", "discarded"]),
  kind: Type.String(),
  name: Type.String(),
  change: Type.String(),
  version: Type.Integer(),
  attempts: Type.Integer(),
  lastError: Type.Union([Type.String(), Type.Null()]),
  nextAt: moment,
});

const key = Type.String({
  minLength: 32,
  maxLength: 200,
  pattern: "^[\\x21-\\x7e]+$",
  description: "the key of the HMAC",
});

export const cmdbOperations = {
  listTargets: defineOperation({
    id: "cmdb-targets.list",
    tag: "cmdb-targets",
    summary: "Where changes of hosts, VMs and instances are sent",
    method: "GET",
    path: "/api/v1/cmdb-targets",
    answers: { 200: Type.Object({ items: Type.Array(targetRecord) }) },
    permission: { verb: "list", resource: "cmdb-targets" },
    errors: [],
    act: false,
  }),
  createTarget: defineOperation({
    id: "cmdb-targets.create",
    tag: "cmdb-targets",
    summary:
      "Add a target. It gets every change from now on, in order for each object, at least once, signed: WCS-Signature is `v1=` and the HMAC-SHA256 of WCS-Timestamp, a dot and the body. The key is made unless it is given, and shown in this answer only",
    method: "POST",
    path: "/api/v1/cmdb-targets",
    query: dryRun,
    body: closed({ name: Type.String({ pattern: labelPattern }), ...target, key: Type.Optional(key) }),
    answers: { 201: Type.Object({ target: targetRecord, key: Type.String() }) },
    permission: { verb: "create", resource: "cmdb-targets" },
    errors: ["resource.exists"],
    act: true,
  }),
  replaceTarget: defineOperation({
    id: "cmdb-targets.replace",
    tag: "cmdb-targets",
    summary: "Change a target; the key stays unless one is given",
    method: "PUT",
    path: "/api/v1/cmdb-targets/{name}",
    params: nameParams,
    query: dryRun,
    body: closed({ ...target, key: Type.Optional(key) }),
    answers: { 200: targetRecord },
    permission: { verb: "update", resource: "cmdb-targets" },
    errors: [],
    act: true,
    ifMatch: true,
  }),
  deleteTarget: defineOperation({
    id: "cmdb-targets.delete",
    tag: "cmdb-targets",
    summary: "Remove a target, and what waits for it",
    method: "DELETE",
    path: "/api/v1/cmdb-targets/{name}",
    params: nameParams,
    query: dryRun,
    answers: { 204: null },
    permission: { verb: "delete", resource: "cmdb-targets" },
    errors: [],
    act: true,
    ifMatch: true,
  }),
  listDeliveries: defineOperation({
    id: "cmdb-deliveries.list",
    tag: "cmdb-deliveries",
    summary:
      "Deliveries, the oldest first; a dead one holds up the later ones of its object until it is replayed or discarded",
    method: "GET",
    path: "/api/v1/cmdb-deliveries",
    query: closed({
      ...pageQuery,
      target: Type.Optional(Type.String({ pattern: labelPattern })),
      state: Type.Optional(Type.Enum(["waiting", "delivered", "dead", "discarded"])),
    }),
    answers: { 200: pageOf(delivery) },
    permission: { verb: "list", resource: "cmdb-deliveries" },
    errors: ["request.cursor-invalid"],
    act: false,
  }),
  replayDelivery: defineOperation({
    id: "cmdb-deliveries.replay",
    tag: "cmdb-deliveries",
    summary: "Send a dead delivery again, now",
    method: "POST",
    path: "/api/v1/cmdb-deliveries/{id}/replay",
    params: idParams,
    query: dryRun,
    answers: { 200: delivery },
    permission: { verb: "replay", resource: "cmdb-deliveries" },
    errors: ["cmdb.not-dead"],
    act: true,
  }),
  discardDelivery: defineOperation({
    id: "cmdb-deliveries.discard",
    tag: "cmdb-deliveries",
    summary: "Give a dead delivery up, so that the later ones of its object go on",
    method: "POST",
    path: "/api/v1/cmdb-deliveries/{id}/discard",
    params: idParams,
    query: dryRun,
    answers: { 200: delivery },
    permission: { verb: "discard", resource: "cmdb-deliveries" },
    errors: ["cmdb.not-dead"],
    act: true,
  }),
} as const;

/** The same as a list. */
export const cmdbOperationList = Object.values(cmdbOperations);
