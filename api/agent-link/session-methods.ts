import { Type } from "typebox";
import { defineStream } from "./link-method.ts";

const closed = { additionalProperties: false } as const;
const label = Type.String({ pattern: "^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$" });
const path = Type.String({ pattern: "^/[^\\u0000]{0,4000}$" });

/** Which container: of the very pod that the server means, so that a new pod of the same name is none. */
const target = {
  session: Type.String({ pattern: "^[0-9a-f-]{36}$" }),
  namespace: label,
  pod: label,
  podUid: Type.String({ maxLength: 64, pattern: "^[0-9a-zA-Z-]+$" }),
  container: label,
} as const;

/** What a session's processes may do beyond reading and running what the container has (agent/cage/wcs-cage.c). */
export const cageSchema = Type.Object(
  {
    /** Where they may write, make and remove; nothing can be run there. */
    writable: Type.Array(path, { maxItems: 64 }),
    /** Capabilities that they keep, by number, of those that the container has. */
    capabilities: Type.Array(Type.Integer({ minimum: 0, maximum: 63 }), { maxItems: 64 }),
    /** Whether they may send signals to processes that they did not start. */
    signalsToAll: Type.Boolean(),
  },
  closed,
);

/** Runs one program in a container. Frames follow (`writeFrame`); the last is `exit`. */
export const sessionExec = defineStream("session.exec", {
  request: Type.Object(
    {
      ...target,
      argv: Type.Array(Type.String({ maxLength: 65_536, pattern: "^[^\\u0000]*$" }), { minItems: 1, maxItems: 1000 }),
      cage: cageSchema,
      mostMs: Type.Integer({ minimum: 1, maximum: 86_400_000 }),
    },
    closed,
  ),
  answer: Type.Object({ containerId: Type.String(), landlock: Type.Integer() }),
});

/** A container's log. Frames follow: `output` with whole lines `TIME STREAM TEXT`, then `exit`. */
export const sessionLogs = defineStream("session.logs", {
  request: Type.Object(
    {
      ...target,
      follow: Type.Boolean(),
      /** The run of the container before the present one. */
      previous: Type.Boolean(),
      /** Milliseconds since 1970; lines before it are left out. */
      sinceMs: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]),
      lastLines: Type.Union([Type.Integer({ minimum: 0, maximum: 1_000_000 }), Type.Null()]),
      /** Only lines that contain this. */
      contains: Type.Union([Type.String({ minLength: 1, maxLength: 1000 }), Type.Null()]),
    },
    closed,
  ),
  answer: Type.Object({ files: Type.Integer() }),
});
