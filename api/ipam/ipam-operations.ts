import { Type } from "typebox";
import { addressConditions, addressStates } from "@wcs/core/ipam";
import { defineOperation } from "../http/operation.ts";
import { labelPattern } from "../shared/names.ts";
import { dryRunQuery, pageOf, pageQuery } from "../shared/page.ts";
import {
  addressSchema,
  differenceSchema,
  historySchema,
  ipText,
  nameText,
  nicText,
  policySchema,
  usageSchema,
} from "./address-schema.ts";
import { hostReportSchema, reportAnswerSchema } from "./host-report-schema.ts";

const tag = "ipam";
const label = Type.String({ pattern: labelPattern });
const ipParams = Type.Object({ ip: ipText });
const dryRun = Type.Object(dryRunQuery, { additionalProperties: false });
const subsystemParams = Type.Object({ subsystem: Type.String({ pattern: "^[0-9]{4}$" }) });
const expected = Type.Object(
  {
    expectedGeneration: Type.Integer({
      minimum: 1,
      description: "the generation under which you saw the address: it is not taken from a later owner",
    }),
  },
  { additionalProperties: false },
);
const podlessOwner = Type.Object(
  {
    kind: Type.Enum(["vm", "device"], { description: "`device`: an F5, an appliance" }),
    name: nameText,
    nic: Type.Optional(nicText),
    business: Type.Optional(label),
  },
  { additionalProperties: false },
);
const policyOfSubsystem = Type.Object({ subsystem: Type.String(), ...policySchema.properties });

export const ipamOperations = [
  defineOperation({
    id: "ips.list",
    tag,
    summary: "Addresses of the ledger that you may see, in their order",
    method: "GET",
    path: "/api/v1/ips",
    query: Type.Object(
      {
        ...pageQuery,
        subnet: Type.Optional(label),
        rack: Type.Optional(label),
        area: Type.Optional(label),
        host: Type.Optional(nameText),
        owner: Type.Optional(nameText),
        state: Type.Optional(Type.Enum([...addressStates])),
        condition: Type.Optional(Type.Enum([...addressConditions])),
      },
      { additionalProperties: false },
    ),
    answers: { 200: pageOf(addressSchema) },
    permission: { verb: "list", resource: "ips" },
    errors: ["request.cursor-invalid"],
    act: false,
  }),
  defineOperation({
    id: "ips.get",
    tag,
    summary: "One address with its whole history, the newest first, and what differs about it",
    method: "GET",
    path: "/api/v1/ips/{ip}",
    params: ipParams,
    answers: {
      200: Type.Object({
        address: addressSchema,
        history: Type.Array(historySchema),
        differences: Type.Array(differenceSchema),
      }),
    },
    permission: { verb: "get", resource: "ips" },
    errors: ["resource.not-found"],
    act: false,
  }),
  defineOperation({
    id: "ips.assign",
    tag,
    summary: "Reserve an address for a VM or a device by hand",
    method: "POST",
    path: "/api/v1/ips/{ip}/assign",
    params: ipParams,
    query: dryRun,
    body: podlessOwner,
    answers: { 200: addressSchema },
    permission: { verb: "assign", resource: "ips" },
    errors: ["resource.not-found", "ipam.refused", "act.reason-required"],
    act: true,
  }),
  defineOperation({
    id: "ips.release",
    tag,
    summary: "Let go of an address that is held or reserved; it cools down. Never of one that a pod has",
    method: "POST",
    path: "/api/v1/ips/{ip}/release",
    params: ipParams,
    query: dryRun,
    body: expected,
    answers: { 200: addressSchema },
    permission: { verb: "release", resource: "ips" },
    errors: ["resource.not-found", "ipam.refused", "act.reason-required"],
    act: true,
  }),
  defineOperation({
    id: "ips.block",
    tag,
    summary: "Take an address out of use; who has it keeps it, and nobody gets it after",
    method: "POST",
    path: "/api/v1/ips/{ip}/block",
    params: ipParams,
    query: dryRun,
    answers: { 200: addressSchema },
    permission: { verb: "block", resource: "ips" },
    errors: ["resource.not-found", "act.reason-required"],
    act: true,
  }),
  defineOperation({
    id: "ips.clear",
    tag,
    summary: "End an address's block or conflict, after somebody looked",
    method: "POST",
    path: "/api/v1/ips/{ip}/clear",
    params: ipParams,
    query: dryRun,
    answers: { 200: addressSchema },
    permission: { verb: "block", resource: "ips" },
    errors: ["resource.not-found", "ipam.refused", "act.reason-required"],
    act: true,
  }),
  defineOperation({
    id: "ips.import",
    tag,
    summary: "Enter addresses that VMs and devices use already: all, or none with every problem named",
    method: "POST",
    path: "/api/v1/ip-imports",
    query: dryRun,
    body: Type.Object(
      {
        addresses: Type.Array(Type.Object({ ip: ipText, owner: podlessOwner }, { additionalProperties: false }), {
          minItems: 1,
          maxItems: 5000,
        }),
      },
      { additionalProperties: false },
    ),
    bodyLimitBytes: 2_000_000,
    answers: { 200: Type.Object({ imported: Type.Integer() }) },
    permission: { verb: "assign", resource: "ips" },
    errors: ["resource.not-found", "ipam.refused", "act.reason-required"],
    act: true,
  }),
  defineOperation({
    id: "subnet-usage.list",
    tag,
    summary: "How much of each subnet is used, by rack and area",
    method: "GET",
    path: "/api/v1/subnet-usage",
    query: Type.Object(
      { rack: Type.Optional(label), area: Type.Optional(label), subnet: Type.Optional(label) },
      { additionalProperties: false },
    ),
    answers: { 200: Type.Object({ items: Type.Array(usageSchema) }) },
    permission: { verb: "list", resource: "subnets" },
    errors: [],
    act: false,
  }),
  defineOperation({
    id: "ip-differences.list",
    tag,
    summary: "Where ledger, Kubernetes, hosts and estate differed at the last comparison, and leaks",
    method: "GET",
    path: "/api/v1/ip-differences",
    query: Type.Object(pageQuery, { additionalProperties: false }),
    answers: { 200: pageOf(differenceSchema) },
    permission: { verb: "list", resource: "ips" },
    errors: ["request.cursor-invalid"],
    act: false,
  }),
  defineOperation({
    id: "ip-policies.get",
    tag,
    summary: "What happens to the addresses of a subsystem's retired instances",
    method: "GET",
    path: "/api/v1/ip-policies/{subsystem}",
    params: subsystemParams,
    answers: { 200: policyOfSubsystem },
    permission: { verb: "get", resource: "ippolicies" },
    errors: [],
    act: false,
  }),
  defineOperation({
    id: "ip-policies.set",
    tag,
    summary: "Set it",
    method: "PUT",
    path: "/api/v1/ip-policies/{subsystem}",
    params: subsystemParams,
    query: dryRun,
    body: policySchema,
    answers: { 200: policyOfSubsystem },
    permission: { verb: "update", resource: "ippolicies" },
    errors: ["ipam.policy-invalid"],
    act: true,
  }),
  defineOperation({
    id: "host-reports.send",
    tag,
    summary: "An agent tells all that its host has; it is told what it may not have",
    method: "POST",
    path: "/api/v1/host-reports/{host}",
    params: Type.Object({ host: nameText }),
    body: hostReportSchema,
    answers: { 200: reportAnswerSchema },
    permission: { verb: "report", resource: "hosts" },
    errors: ["auth.forbidden"],
    act: false,
  }),
] as const;
