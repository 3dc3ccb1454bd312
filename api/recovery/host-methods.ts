import { Type } from "typebox";
import { defineCall } from "../agent-link/index.ts";
import { instanceName } from "../instance/index.ts";
import { labelPattern } from "../shared/names.ts";

const closed = { additionalProperties: false } as const;
const maybe = <S extends Parameters<typeof Type.Union>[0][number]>(schema: S) => Type.Union([schema, Type.Null()]);

/** What a server asks of a host's agent: does anybody on the rack answer for this address (ARP)? `mac` null: nobody did. */
export const probeAddress = defineCall("host.probe-address", {
  request: Type.Object({ area: Type.String({ pattern: labelPattern }), ip: Type.String({ format: "ipv4" }) }, closed),
  answer: Type.Object({ mac: maybe(Type.String()) }, closed),
});

/** What a server asks of a host's agent: which instances have a network there, and under which generation. */
export const instancesOnHost = defineCall("host.instances", {
  request: Type.Object({}, closed),
  answer: Type.Object(
    {
      instances: Type.Array(Type.Object({ instance: instanceName, generation: Type.Integer({ minimum: 1 }) }, closed), {
        maxItems: 2_000,
      }),
    },
    closed,
  ),
});
