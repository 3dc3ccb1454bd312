import { Type } from "typebox";
import { instanceStates } from "@wcs/core/instance";
import { defineOperation } from "../http/operation.ts";
import { moment } from "../shared/names.ts";
import { dryRunQuery, pageOf, pageQuery } from "../shared/page.ts";

const maybe = <S extends Parameters<typeof Type.Union>[0][number]>(schema: S) => Type.Union([schema, Type.Null()]);
/** The name of an instance: a DNS label of at most 52 characters. */
export const instanceName = Type.String({ pattern: "^[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?$" });

const instanceSchema = Type.Object({
  name: instanceName,
  subsystem: Type.String(),
  business: Type.String(),
  dcn: Type.String(),
  dcnGroup: Type.String(),
  environment: Type.String(),
  idc: Type.String(),
  cluster: Type.String(),
  rack: Type.String(),
  host: Type.String(),
  pool: Type.String(),
  class: Type.String(),
  lifetime: Type.Enum(["long-term", "temporary"]),
  borrowed: Type.Boolean({ description: "placed beyond its business's guarantee in the pool" }),
  nics: Type.Array(Type.Object({ nic: Type.String(), area: Type.String(), subnet: Type.String(), ip: Type.String() })),
  wish: Type.Enum(["run", "stop", "retire"], { description: "what people want of it" }),
  state: Type.Enum([...instanceStates], { description: "what is seen of it" }),
  reason: Type.String({ description: "why it is in that state" }),
  since: moment,
  release: maybe(Type.String()),
  template: maybe(Type.Integer()),
  imageDigest: maybe(Type.String()),
  restarts: Type.Integer(),
  differences: Type.Array(Type.Object({ path: Type.String(), reason: Type.String() }), {
    description: "where it differs from what is meant, and only a new pod would mend that",
  }),
  heldBy: maybe(Type.String({ description: "the release that works on it" })),
  movedBy: maybe(Type.String({ description: "the recovery that moves it off its lost host" })),
  request: Type.String(),
  createdAt: moment,
  retiredAt: maybe(moment),
  version: Type.Integer(),
});

const params = Type.Object({ name: instanceName });
const filters = {
  subsystem: Type.Optional(Type.String({ maxLength: 63 })),
  dcn: Type.Optional(Type.String({ maxLength: 63 })),
  environment: Type.Optional(Type.String({ maxLength: 63 })),
  cluster: Type.Optional(Type.String({ maxLength: 63 })),
  host: Type.Optional(Type.String({ maxLength: 63 })),
  state: Type.Optional(Type.Enum([...instanceStates])),
  retired: Type.Optional(Type.Boolean({ default: false, description: "those that are retired as well" })),
};

const change = (id: string, summary: string, verb: string) =>
  defineOperation({
    id: `instances.${id}`,
    tag: "instances",
    summary,
    method: "POST",
    path: `/api/v1/instances/{name}/${id}`,
    params,
    query: Type.Object(dryRunQuery, { additionalProperties: false }),
    answers: { 200: instanceSchema },
    permission: { verb, resource: "instances" },
    errors: ["resource.not-found", "act.ticket-required", "instance.busy"],
    act: true,
  });

export const instanceOperations = [
  defineOperation({
    id: "instances.list",
    tag: "instances",
    summary: "Instances, by name",
    method: "GET",
    path: "/api/v1/instances",
    query: Type.Object({ ...pageQuery, ...filters }, { additionalProperties: false }),
    answers: { 200: pageOf(instanceSchema) },
    permission: { verb: "list", resource: "instances" },
    errors: ["request.cursor-invalid"],
    act: false,
  }),
  defineOperation({
    id: "instances.get",
    tag: "instances",
    summary: "One instance",
    method: "GET",
    path: "/api/v1/instances/{name}",
    params,
    answers: { 200: instanceSchema },
    permission: { verb: "get", resource: "instances" },
    errors: ["resource.not-found"],
    act: false,
  }),
  defineOperation({
    id: "instances.diff",
    tag: "instances",
    summary:
      "Where what runs of an instance differs from a version of its template, with its own parameters and image; without `template`, from what is meant",
    method: "GET",
    path: "/api/v1/instances/{name}/diff",
    params,
    query: Type.Object(
      { template: Type.Optional(Type.Integer({ minimum: 1, maximum: 2_147_483_647 })) },
      { additionalProperties: false },
    ),
    answers: {
      200: Type.Object({
        instance: instanceName,
        /** What it is meant to run, and what it is compared with. */
        running: maybe(Type.Integer({ description: "the version that it is meant to run" })),
        template: Type.Integer({ description: "the version that it is compared with" }),
        differences: Type.Array(
          Type.Object({
            object: Type.Enum(["StatefulSet", "Pod"]),
            path: Type.String(),
            running: Type.Optional(Type.Unknown()),
            wanted: Type.Optional(Type.Unknown()),
            effect: Type.Enum(["in-place", "re-create"], { description: "what bringing the version would do" }),
            reason: Type.String(),
          }),
        ),
      }),
    },
    permission: { verb: "get", resource: "instances" },
    errors: ["resource.not-found", "instance.busy", "cluster.unreachable"],
    act: false,
  }),
  change("start", "Start an instance that was stopped", "operate"),
  change("stop", "Stop an instance; it keeps its host, its capacity and its addresses", "operate"),
  change("restart", "Make an instance's pod anew on its host, with its addresses", "operate"),
] as const;
