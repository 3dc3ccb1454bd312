import type { EstateKind } from "../kinds/estate-kinds.ts";

/** A field of `spec` that can't change while documents of the kinds in `users` use it, and why. */
export type FrozenField = Readonly<{
  field: string;
  users: readonly EstateKind[];
  reason: string;
  reasonZh: string;
}>;

const addressed = {
  users: ["Host", "VM"],
  reason: "machines would be left with addresses that no switch routes",
  reasonZh: "机器将持有任何交换机都不再路由的地址",
} as const;
const racked = {
  users: ["Host", "VM", "Subnet"],
  reason: "what stands in it would be counted in a data centre where it is not",
  reasonZh: "其中的设备会被计入并不所在的机房",
} as const;
const clustered = {
  users: ["Host", "DCN"],
  reason: "its hosts and DCNs would be counted where they are not",
  reasonZh: "其宿主机和数据单元会被计入错误的位置",
} as const;
const lived = {
  users: ["VM"],
  reason: "its instances run where it is now",
  reasonZh: "其实例正运行在当前位置",
} as const;

/** What can't change in place, by kind. */
export const frozenFields: Readonly<Partial<Record<EstateKind, readonly FrozenField[]>>> = {
  Subnet: [
    { field: "cidr", ...addressed },
    { field: "rack", ...addressed },
    { field: "area", ...addressed },
  ],
  Rack: [{ field: "idc", ...racked }],
  Cluster: [
    { field: "idc", ...clustered },
    { field: "environment", ...clustered },
  ],
  Pool: [
    {
      field: "environment",
      users: ["Host"],
      reason: "its hosts belong to clusters of the environment",
      reasonZh: "其宿主机属于该环境的集群",
    },
  ],
  System: [
    {
      field: "business",
      users: ["Subsystem"],
      reason: "its subsystems' instances count against the business's quotas",
      reasonZh: "其子系统的实例计入该业务部门的配额",
    },
  ],
  Subsystem: [
    {
      field: "system",
      users: ["VM"],
      reason: "its instances count against its business's quotas",
      reasonZh: "其实例计入所属业务部门的配额",
    },
  ],
  DCN: [
    { field: "idc", ...lived },
    { field: "environment", ...lived },
    { field: "group", ...lived },
  ],
};
