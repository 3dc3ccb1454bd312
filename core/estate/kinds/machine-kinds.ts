import { Type } from "typebox";
import {
  addresses,
  className,
  closedObject,
  dcnId,
  ioClass,
  nameMaxLength,
  nameOf,
  namePattern,
  operatingState,
  quotaAmount,
  subsystemId,
  text,
} from "./fields.ts";

export const environmentSpec = closedObject({
  ticketRequired: Type.Boolean({ description: "whether every act on it names its change ticket" }),
  approvals: Type.Integer({
    minimum: 0,
    maximum: 5,
    description: "how many other people approve a request or a release before it runs",
  }),
  instanceNames: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      description:
        "the pattern of instances' names, of `{subsystem}`, `{system}`, `{dcn}`, `{environment}`, `{ip}` and `{nn}`; absent: `{subsystem}-{dcn}-{nn}`. It holds for instances to come",
    }),
  ),
});

export const clusterSpec = closedObject({
  idc: nameOf("the IDC that it lives in"),
  environment: nameOf("the environment that it belongs to"),
  state: Type.Optional(operatingState),
});

const cpuMilli = Type.Integer({ minimum: 1, maximum: 10_000_000, description: "thousandths of a core" });
const memoryMiB = Type.Integer({ minimum: 1, maximum: 1_000_000_000, description: "MiB" });
const diskGiB = Type.Integer({
  minimum: 0,
  maximum: 100_000_000,
  description: "GiB of local disk; absent: not counted",
});
const ioMiBps = Type.Integer({
  minimum: 0,
  maximum: 10_000_000,
  description: "MiB of disk IO a second; absent: not counted",
});

export const hostSpec = closedObject({
  rack: nameOf("the rack that it stands in"),
  addresses,
  capacity: closedObject({
    cpuMilli,
    memoryMiB,
    diskGiB: Type.Optional(diskGiB),
    ioMiBps: Type.Optional(ioMiBps),
    instances: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10_000, description: "how many pods it may run; absent: 110" }),
    ),
  }),
  cluster: Type.Optional(nameOf("the cluster that it is a node of; absent: not yet in one")),
  pool: Type.Optional(nameOf("the pool that it belongs to; absent: nothing is placed on it")),
  state: Type.Optional(operatingState),
  ioClass: Type.Optional(ioClass),
  node: Type.Optional(
    Type.String({
      pattern: "^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$",
      description: "the name of its Kubernetes node, when that is not the host's",
    }),
  ),
});

export const vmSpec = closedObject({
  rack: nameOf("the rack that it runs in"),
  addresses,
  cpuMilli: Type.Optional(cpuMilli),
  memoryMiB: Type.Optional(memoryMiB),
  subsystem: Type.Optional(subsystemId("the subsystem that it is an instance of; goes with `dcn`")),
  dcn: Type.Optional(dcnId("the DCN that it belongs to; goes with `subsystem`")),
  hypervisor: Type.Optional(text(128, "the machine under it, so that VMs on one machine are known to fail together")),
});

export const poolSpec = closedObject({
  environment: nameOf("the environment that it belongs to"),
  cpuOvercommitPercent: Type.Optional(
    Type.Integer({ minimum: 100, maximum: 400, description: "CPU promised for 100 that the hosts have; absent: 100" }),
  ),
  bigClass: Type.Optional(className("the class for which whole hosts are kept free")),
  quotas: Type.Optional(
    Type.Record(
      Type.String({ pattern: namePattern, maxLength: nameMaxLength }),
      closedObject({ guarantee: quotaAmount, limit: quotaAmount }),
      {
        additionalProperties: false,
        maxProperties: 1000,
        description:
          "business -> `guarantee`, which it can have at any time, and `limit`, which it can have at most; what is between them is borrowed",
      },
    ),
  ),
});

export const classSpec = closedObject({
  cpuMilli,
  memoryMiB,
  diskGiB: Type.Optional(diskGiB),
  ioMiBps: Type.Optional(ioMiBps),
  ioClass: Type.Optional(ioClass),
});
