import { Type, type Static } from "typebox";
import { ipText, macText, nameText, nicText } from "./address-schema.ts";

const mostAddresses = 2000;

/** What an agent tells of its host (core/ipam/host-report.ts), addresses as text. */
export const hostReportSchema = Type.Object(
  {
    sequence: Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description: "grows with every report of the host",
    }),
    grantGeneration: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()], {
      description: "of the dynamic block grant that the host goes by",
    }),
    addresses: Type.Array(
      Type.Object(
        {
          ip: ipText,
          mac: macText,
          nic: nicText,
          instance: Type.Union([nameText, Type.Null()]),
          generation: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()]),
          podUid: nameText,
          containerId: nameText,
        },
        { additionalProperties: false },
      ),
      { maxItems: mostAddresses, description: "all that the host has; what is not here is gone from it" },
    ),
    conflicts: Type.Array(Type.Object({ ip: ipText, mac: macText }, { additionalProperties: false }), {
      maxItems: mostAddresses,
      description: "addresses that somebody else answered for, and with which MAC",
    }),
  },
  { additionalProperties: false },
);

/** A host's report, as it goes to a server. */
export type ReportedHost = Static<typeof hostReportSchema>;

/** What a server says to a report. */
export const reportAnswerSchema = Type.Object({
  accepted: Type.Boolean({ description: "false: a later report was here before" }),
  sequence: Type.Integer({ description: "of the latest report that was taken; the next has a greater one" }),
  refusals: Type.Array(Type.Object({ ip: ipText, podUid: Type.String(), code: Type.String(), detail: Type.String() }), {
    description: "what the host has and may not have",
  }),
});
export type ReportAnswer = Static<typeof reportAnswerSchema>;
