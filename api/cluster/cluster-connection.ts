import { Type } from "typebox";
import { moment } from "../shared/names.ts";

const nullable = <S extends Parameters<typeof Type.Union>[0][number]>(schema: S) => Type.Union([schema, Type.Null()]);

const trouble = Type.Object({
  reason: Type.String({ description: "unreachable, timed-out, unauthenticated, forbidden, …" }),
  message: Type.String(),
  advice: Type.String(),
});

const drift = Type.Object({
  at: moment,
  object: Type.String({ description: "such as `ClusterRole wcs:platform`" }),
  state: Type.Enum(["created", "mended"]),
  differences: Type.Array(Type.Object({ path: Type.String(), was: Type.String(), shouldBe: Type.String() })),
});

/** How one server of WCS is connected with a cluster, and what it sees of it. */
export const clusterConnectionSchema = Type.Object({
  name: Type.String({ description: "the cluster's name in the estate" }),
  version: Type.Integer(),
  state: Type.Enum(["active", "removing"]),
  server: Type.String({ description: "the API server's address" }),
  kubernetesVersion: Type.String(),
  clusterUid: Type.String({ description: "the uid of the namespace kube-system: no cluster is registered twice" }),
  exemptNamespaces: Type.Array(Type.String()),
  credentialExpiresAt: moment,
  createdAt: moment,
  health: Type.Object({
    reachable: nullable(Type.Boolean({ description: "null: not yet tried by this server" })),
    ready: nullable(Type.Boolean()),
    since: nullable(moment),
    checkedAt: nullable(moment),
    clockSkewMs: nullable(Type.Integer()),
    trouble: nullable(trouble),
    components: Type.Array(
      Type.Object({
        name: Type.String(),
        ok: nullable(Type.Boolean({ description: "null: it can't be told" })),
        detail: Type.String(),
      }),
    ),
  }),
  nodes: Type.Object({
    total: Type.Integer(),
    ready: Type.Integer(),
    notReady: Type.Array(Type.Object({ name: Type.String(), reason: Type.String(), since: nullable(moment) })),
  }),
  pods: Type.Object({ total: Type.Integer(), ready: Type.Integer() }),
  caches: Type.Array(
    Type.Object({
      name: Type.String(),
      phase: Type.String(),
      lagMs: Type.Integer({ description: "since the cluster last proved that the cache is current" }),
      stale: Type.Boolean(),
      objects: Type.Integer(),
      relists: Type.Integer(),
      silences: Type.Integer(),
      trouble: nullable(trouble),
    }),
  ),
  baseline: Type.Object({
    checkedAt: nullable(moment),
    objects: Type.Integer(),
    drifts: Type.Array(drift, { description: "what was found changed and put right, the newest first" }),
    trouble: nullable(trouble),
  }),
});
