import { Type } from "typebox";
import { defineOperation } from "../http/operation.ts";
import { labelPattern } from "../shared/names.ts";
import { dryRunQuery, pageOf, pageQuery } from "../shared/page.ts";
import { clusterConnectionSchema } from "./cluster-connection.ts";

const name = Type.String({ pattern: labelPattern });
const params = Type.Object({ name });
const kubeconfig = Type.String({
  minLength: 1,
  maxLength: 512 * 1024,
  description: "of an administrator, with everything in it; used for this call and kept nowhere",
});
const context = Type.Optional(Type.String({ minLength: 1, maxLength: 253, description: "default: current-context" }));
const registrationErrors = [
  "cluster.kubeconfig-invalid",
  "cluster.unreachable",
  "cluster.not-allowed",
  "cluster.unsupported",
] as const;

export const clusterOperations = [
  defineOperation({
    id: "clusterconnections.list",
    tag: "clusterconnections",
    summary: "The clusters that WCS is connected with, as this server sees them",
    method: "GET",
    path: "/api/v1/cluster-connections",
    query: Type.Object(pageQuery, { additionalProperties: false }),
    answers: { 200: pageOf(clusterConnectionSchema) },
    permission: { verb: "list", resource: "clusterconnections" },
    errors: ["request.cursor-invalid"],
    act: false,
  }),
  defineOperation({
    id: "clusterconnections.get",
    tag: "clusterconnections",
    summary: "One cluster's connection, health, caches and baseline, as this server sees them",
    method: "GET",
    path: "/api/v1/cluster-connections/{name}",
    params,
    answers: { 200: clusterConnectionSchema },
    permission: { verb: "get", resource: "clusterconnections" },
    errors: [],
    act: false,
  }),
  defineOperation({
    id: "clusterconnections.create",
    tag: "clusterconnections",
    summary: "Connect with a cluster: check it, give WCS identities of its own in it, and install the baseline",
    method: "POST",
    path: "/api/v1/cluster-connections",
    query: Type.Object(dryRunQuery, { additionalProperties: false }),
    body: Type.Object(
      {
        name,
        kubeconfig,
        context,
        exemptNamespaces: Type.Optional(
          Type.Array(name, {
            maxItems: 64,
            uniqueItems: true,
            description: "namespaces of the cluster's add-ons, where privileged pods and exec stay allowed",
          }),
        ),
      },
      { additionalProperties: false },
    ),
    answers: { 201: clusterConnectionSchema },
    permission: { verb: "create", resource: "clusterconnections" },
    errors: ["resource.exists", "resource.not-found", ...registrationErrors],
    act: true,
  }),
  defineOperation({
    id: "clusterconnections.repair",
    tag: "clusterconnections",
    summary: "Give WCS its identities in a cluster again, when they were lost or the cluster's address or CA changed",
    method: "POST",
    path: "/api/v1/cluster-connections/{name}/repair",
    params,
    query: Type.Object(dryRunQuery, { additionalProperties: false }),
    body: Type.Object({ kubeconfig, context }, { additionalProperties: false }),
    answers: { 200: clusterConnectionSchema },
    permission: { verb: "update", resource: "clusterconnections" },
    errors: ["resource.exists", ...registrationErrors],
    act: true,
  }),
  defineOperation({
    id: "clusterconnections.delete",
    tag: "clusterconnections",
    summary: "Take WCS's baseline and identities out of a cluster, then forget the connection",
    method: "DELETE",
    path: "/api/v1/cluster-connections/{name}",
    params,
    query: Type.Object(
      {
        ...dryRunQuery,
        force: Type.Optional(
          Type.Boolean({ default: false, description: "forget it without touching it: for a cluster that is gone" }),
        ),
      },
      { additionalProperties: false },
    ),
    answers: { 202: clusterConnectionSchema },
    permission: { verb: "delete", resource: "clusterconnections" },
    errors: ["resource.referenced", "cluster.unreachable"],
    act: true,
  }),
] as const;
