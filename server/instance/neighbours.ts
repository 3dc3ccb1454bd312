import type { HostHealth, InstanceClass } from "@wcs/core/instance";
import type { NetworkAnnotation } from "@wcs/core/ipam";
import type {
  PlacementAnswer,
  PlacementRefusal,
  PlacementRequest,
  RackMove,
  ResizePlan,
  ResizeRequest,
} from "@wcs/core/placement";
import type { KubeClient } from "@wcs/kube";
import type { Scope } from "@wcs/core/access-rights";
import type { InstancePlace, LiveInstance } from "./live-instance.ts";
import type { Query } from "../database/database.ts";
import type { Transaction } from "../database/transaction.ts";

/** What the main job needs to know of the estate. Each answers null when there is no such thing. */
export type EstateLookup = Readonly<{
  subsystem: (
    query: Query,
    id: string,
  ) => Promise<Readonly<{
    id: string;
    system: string;
    business: string;
    areas: readonly string[];
    importance: "A" | "B" | "C" | "D";
  }> | null>;
  dcn: (
    query: Query,
    id: string,
  ) => Promise<Readonly<{ id: string; group: string; idc: string; environment: string }> | null>;
  class: (query: Query, name: string) => Promise<InstanceClass | null>;
  environment: (
    query: Query,
    name: string,
  ) => Promise<Readonly<{
    name: string;
    ticketRequired: boolean;
    approvals: number;
    instanceNames?: string;
  }> | null>;
  /** The Kubernetes node of a host. */
  nodeOf: (query: Query, host: string) => Promise<string | null>;
  /** The same of several, by host; one that the estate does not have is left out. */
  nodesOf: (query: Query, hosts: readonly string[]) => Promise<ReadonlyMap<string, string>>;
  /** `cluster`: null when the host is in none. */
  host: (
    query: Query,
    name: string,
  ) => Promise<Readonly<{ name: string; node: string; rack: string; cluster: string | null }> | null>;
}>;

export type ClusterListener = Readonly<{
  onPod: (namespace: string, name: string) => void;
  onStatefulSet: (namespace: string, name: string) => void;
  onHost: (cluster: string, node: string) => void;
  /** The cluster answers again, or a namespace of it has come or gone. */
  onCluster: (cluster: string, namespace: string | null) => void;
}>;

/** What a cluster's watches have told of an instance, and up to which resource version. */
export type SeenInstance = Readonly<{ live: LiveInstance; statefulSetsAt: string; podsAt: string }>;

/** The clusters as this server reaches them. */
export type ClusterConnections = Readonly<{
  /** Null while the cluster does not answer or is not known. */
  clientOf: (cluster: string) => Promise<KubeClient | null>;
  /** Since when the cluster has answered without a gap, in milliseconds of the Unix epoch; null while it does not. */
  answersSinceMs: (cluster: string) => number | null;
  /** Null while the watches of the cluster are not current. */
  seen: (cluster: string, place: InstancePlace) => SeenInstance | null;
  /** The namespace is known not to be there, or to be on its way out. */
  isNamespaceGone: (cluster: string, namespace: string) => boolean;
  hostHealth: (cluster: string, node: string) => HostHealth;
  /** Tells of every change of WCS's pods and StatefulSets, and of every host whose health may have changed, until the signal. */
  follow: (listener: ClusterListener, signal: AbortSignal) => Promise<void>;
  /** The namespace of a business. */
  namespaceOf: (business: string) => string;
}>;

/** An answer, and what keeps it with all that it was made of under the request that it is for. */
export type PlacementDecision = Readonly<{
  answer: PlacementAnswer;
  keep: (tx: Transaction, request: string) => Promise<void>;
}>;

/** The engine over the whole estate. */
export type PlacementService = Readonly<{
  /** Decides by everything that is committed: asked before the transaction changes instances or addresses. Nothing is reserved. */
  decide: (query: Query, question: PlacementRequest) => Promise<PlacementDecision>;
  /** Where instances get another class, by the same. */
  resize: (query: Query, request: ResizeRequest) => Promise<ResizePlan | PlacementRefusal>;
  /** Where the instances of a lost host can go within its rack, those that come first in the list before the others. */
  withinRack: (query: Query, host: string, instances: readonly string[]) => Promise<readonly RackMove[]>;
  /** Holds every other promise off until the transaction ends, so that what `decide` says then stays true. */
  lock: (tx: Transaction) => Promise<void>;
}>;

/** The ledger of addresses, in the caller's transaction. */
export type AddressLedger = Readonly<{
  /** Free addresses, one for each subnet in the list, locked until the transaction ends: for those who must know them before they reserve. */
  pick: (tx: Transaction, subnets: readonly string[]) => Promise<readonly string[]>;
  reserve: (
    tx: Transaction,
    demands: readonly Readonly<{
      instance: string;
      subsystem: string;
      scope: Scope;
      nics: readonly Readonly<{ nic: string; subnet: string; ip?: string }>[];
    }>[],
  ) => Promise<readonly Readonly<{ instance: string; nic: string; subnet: string; ip: string }>[]>;
  /** The `wcs.io/network` annotations of instances as the ledger has them now. Throws for one that has no addresses. */
  networks: (query: Query, instances: readonly string[]) => Promise<ReadonlyMap<string, NetworkAnnotation>>;
  /** The instances move: their addresses are given anew, and pods under the old generation are old. */
  renew: (tx: Transaction, instances: readonly string[]) => Promise<void>;
  /** The instances are gone for good, and so are these pods of theirs. */
  retire: (tx: Transaction, instances: readonly string[], podUids: readonly string[]) => Promise<void>;
}>;

/** Everything that the main job takes from other features. */
export type Neighbours = Readonly<{
  estate: EstateLookup;
  clusters: ClusterConnections;
  placement: PlacementService;
  addresses: AddressLedger;
}>;
