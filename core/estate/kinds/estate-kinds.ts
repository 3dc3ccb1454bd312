import type { Static, TObject } from "typebox";
import { businessSpec, dcnGroupSpec, dcnSpec, personSpec, subsystemSpec, systemSpec } from "./business-kinds.ts";
import { classNamePattern, dcnGroupIdPattern, dcnIdPattern, namePattern, subsystemIdPattern } from "./fields.ts";
import { classSpec, clusterSpec, environmentSpec, hostSpec, poolSpec, vmSpec } from "./machine-kinds.ts";
import { areaSpec, citySpec, idcSpec, rackSpec, subnetSpec } from "./place-kinds.ts";

type KindFacts<S extends TObject> = Readonly<{
  /** The plural noun of its routes and of the CLI, in lower case. */
  plural: string;
  chinese: string;
  /** What it is, in one sentence. */
  meaning: string;
  namePattern: string;
  spec: S;
}>;

const kind = <S extends TObject>(facts: KindFacts<S>): KindFacts<S> => facts;

/** Every kind of document of the estate, in the order in which they refer to each other: what comes first needs nothing after it. */
export const estateKinds = {
  City: kind({
    plural: "cities",
    chinese: "城市",
    meaning: "Where IDCs are; IDCs of one city are close enough for synchronous replication.",
    namePattern,
    spec: citySpec,
  }),
  IDC: kind({
    plural: "idcs",
    chinese: "机房",
    meaning: "A data centre; belongs to a city.",
    namePattern,
    spec: idcSpec,
  }),
  Area: kind({
    plural: "areas",
    chinese: "网络区域",
    meaning: "A network area: what a subnet and a NIC belong to: `core` (intranet), `dmz`, `ecn` (extranet).",
    namePattern,
    spec: areaSpec,
  }),
  Rack: kind({
    plural: "racks",
    chinese: "机架",
    meaning: "Hosts under one top-of-rack switch; the switch is the gateway of the rack's subnets.",
    namePattern,
    spec: rackSpec,
  }),
  Subnet: kind({
    plural: "subnets",
    chinese: "网段",
    meaning: "An L2 network on one rack in one area. A rack may have several in one area.",
    namePattern,
    spec: subnetSpec,
  }),
  Environment: kind({
    plural: "environments",
    chinese: "环境",
    meaning: "Production, uat, sit: what a cluster, a DCN and a pool belong to.",
    namePattern,
    spec: environmentSpec,
  }),
  Business: kind({
    plural: "businesses",
    chinese: "业务部门",
    meaning: "The tenant: owns systems, quotas, people.",
    namePattern,
    spec: businessSpec,
  }),
  Person: kind({
    plural: "people",
    chinese: "人员",
    meaning: "Someone who works with WCS.",
    namePattern,
    spec: personSpec,
  }),
  System: kind({
    plural: "systems",
    chinese: "系统",
    meaning: "A group of subsystems of one business.",
    namePattern,
    spec: systemSpec,
  }),
  Subsystem: kind({
    plural: "subsystems",
    chinese: "子系统",
    meaning: "What is released: one application of one business. Its name is its id: four digits, quoted in YAML.",
    namePattern: subsystemIdPattern,
    spec: subsystemSpec,
  }),
  Class: kind({
    plural: "classes",
    chinese: "规格",
    meaning: "The size of an instance. A name like `2C4G` must be the size.",
    namePattern: classNamePattern,
    spec: classSpec,
  }),
  Cluster: kind({
    plural: "clusters",
    chinese: "集群",
    meaning: "A Kubernetes cluster; lives in one IDC.",
    namePattern,
    spec: clusterSpec,
  }),
  Pool: kind({
    plural: "pools",
    chinese: "资源池",
    meaning: "Hosts that several businesses share: each has a guarantee and a limit, and may borrow.",
    namePattern,
    spec: poolSpec,
  }),
  Host: kind({
    plural: "hosts",
    chinese: "宿主机",
    meaning: "A machine that runs containers: a Kubernetes node.",
    namePattern,
    spec: hostSpec,
  }),
  DCNGroup: kind({
    plural: "dcn-groups",
    chinese: "数据单元组",
    meaning:
      "The DCNs that hold the same slice of customers, in several IDCs: `1C`. `ADM` is the group of what is not sliced.",
    namePattern: dcnGroupIdPattern,
    spec: dcnGroupSpec,
  }),
  DCN: kind({
    plural: "dcns",
    chinese: "数据单元",
    meaning: "The smallest unit that is deployed and that may fail alone: `1C1`. Lives in exactly one IDC.",
    namePattern: dcnIdPattern,
    spec: dcnSpec,
  }),
  VM: kind({
    plural: "vms",
    chinese: "虚拟机",
    meaning: "An instance that is not a container; counted, never placed, by WCS.",
    namePattern,
    spec: vmSpec,
  }),
} as const;

/** The kind of a document. */
export type EstateKind = keyof typeof estateKinds;

/** What a document of the kind says. */
export type EstateSpec<K extends EstateKind> = Static<(typeof estateKinds)[K]["spec"]>;

/** The kinds, in the order of `estateKinds`. */
export const estateKindNames = Object.keys(estateKinds) as readonly EstateKind[];
