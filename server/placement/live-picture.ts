import { setImmediate as otherWork } from "node:timers/promises";
import type { EstateDocument } from "@wcs/core/estate";
import {
  addInstance,
  buildWorld,
  findInstance,
  instanceRecords,
  putHost,
  removeHost,
  removeInstance,
  setClusterState,
  setFreeIps,
  setRackState,
  type InstanceRecord,
  type World,
} from "@wcs/core/placement";
import type { ClusterFacts, ClusterNews } from "./node-facts.ts";
import { hostRecord, placementEstate, type PlacementFacts } from "./placement-estate.ts";
import {
  placementKinds,
  type PictureChanges,
  type PictureCursor,
  type PictureInstance,
  type PlacementKind,
} from "./read-picture.ts";

/** The picture in memory: the engine's world, and of what it was made all that the world does not hold itself. */
export type LivePicture = {
  cursor: PictureCursor;
  readonly documents: Readonly<Record<PlacementKind, Map<string, EstateDocument>>>;
  readonly leaving: Map<string, PictureInstance>;
  readonly addresses: Map<string, Readonly<{ fixed: number; free: number }>>;
  /** Instances that stand on what is not there: a fault of the records, told and not placed by. */
  readonly astray: Map<string, InstanceRecord>;
  /** The host of a node, by `cluster/node`. */
  readonly hostOfNode: Map<string, string>;
  world: World;
  /** What of the world may be another since this was last emptied: racks by id, and all that is on none. */
  changed: Readonly<{ racks: Set<string>; isCommon: boolean }>;
};

/** Instances that are added between two looks at other work. */
const slice = 4_000;
const usableKinds: ReadonlySet<string> = new Set(placementKinds);
/** Documents of these kinds change a world in place; any other kind's change builds it anew. */
const inPlace: ReadonlySet<string> = new Set(["Host", "Rack", "Cluster"]);

/** A picture of everything that was read. Gives way to other work meanwhile. */
export async function buildPicture(changes: PictureChanges, clusters: ClusterFacts): Promise<LivePicture> {
  const documents = Object.fromEntries(placementKinds.map((kind) => [kind, new Map<string, EstateDocument>()]));
  const picture: LivePicture = {
    cursor: changes.cursor,
    documents: documents as Record<PlacementKind, Map<string, EstateDocument>>,
    leaving: new Map(),
    addresses: new Map(),
    astray: new Map(),
    hostOfNode: new Map(),
    world: buildWorld({ ...nothing }),
    changed: { racks: new Set(), isCommon: true },
  };
  keepDocuments(picture, changes);
  keepAddresses(picture, changes);
  const staying: InstanceRecord[] = [];
  for (const instance of changes.instances) {
    if (instance.leaving) picture.leaving.set(instance.id, instance);
    else staying.push(instance);
  }
  await rebuild(picture, clusters, staying);
  return picture;
}

/**
 * Brings a picture up to what was read, and to what the clusters say now. Does so in place where it can; otherwise makes a new world
 * of what is in memory. A failure leaves it unusable.
 */
export async function changePicture(
  picture: LivePicture,
  changes: PictureChanges,
  { clusters, news }: Readonly<{ clusters: ClusterFacts; news: ClusterNews }>,
): Promise<void> {
  const needsRebuild = isNewShape(picture, changes);
  keepDocuments(picture, changes);
  keepAddresses(picture, changes);
  picture.cursor = changes.cursor;
  if (needsRebuild) {
    const known = [...instanceRecords(picture.world), ...picture.astray.values()];
    const instances = new Map(known.map((each) => [each.id, each]));
    for (const id of [...changes.gone, ...changes.instances.map((each) => each.id)]) {
      picture.leaving.delete(id);
      instances.delete(id);
    }
    for (const instance of changes.instances) {
      if (instance.leaving) picture.leaving.set(instance.id, instance);
      else instances.set(instance.id, instance);
    }
    return rebuild(picture, clusters, [...instances.values()]);
  }
  const hosts = new Set(changes.documents.flatMap(({ kind, name }) => (kind === "Host" ? [name] : [])));
  for (const node of news.nodes) hosts.add(picture.hostOfNode.get(node) ?? "");
  for (const host of news.clusters.size === 0 ? [] : documentsOf(picture, "Host")) {
    if (news.clusters.has(host.spec.cluster ?? "")) hosts.add(host.name);
  }
  putHosts(picture, clusters, hosts);
  const touched = changeInstances(picture, changes);
  const deleted = changes.deletions.flatMap(({ kind, name }) => (kind === "Host" ? [name] : []));
  for (const name of [...deleted, ...hosts]) takeOutHost(picture, name);
  putHosts(picture, clusters, touched.hosts);
  for (const { subnet } of changes.addresses) touched.subnets.add(subnet);
  for (const name of touched.subnets) {
    if (picture.world.subnets.names.index.has(name)) {
      noteRackOfSubnet(picture.world, picture.changed.racks, name);
      setFreeIps(picture.world, name, picture.addresses.get(name)?.free ?? 0);
    }
  }
  setStates(picture, clusters);
}

const nothing = {
  idcs: [],
  areas: [],
  clusters: [],
  racks: [],
  subnets: [],
  pools: [],
  hosts: [],
  dcns: [],
  classes: [],
  subsystems: [],
  vms: [],
  instances: [],
} as const;

/** The facts that a picture holds, as records are made of them. */
export function factsOf(picture: LivePicture, clusters: ClusterFacts): PlacementFacts {
  const leaving = new Map<string, string[]>();
  for (const { host, class: size } of picture.leaving.values()) {
    const list = leaving.get(host) ?? [];
    list.push(size);
    leaving.set(host, list);
  }
  const { documents, addresses } = picture;
  return { documents, leaving, addresses, held: new Map(), isHeardOf: clusters.isHeardOf, nodeOf: clusters.nodeOf };
}

async function rebuild(
  picture: LivePicture,
  clusters: ClusterFacts,
  instances: readonly InstanceRecord[],
): Promise<void> {
  const world = buildWorld(placementEstate(factsOf(picture, clusters)));
  picture.astray.clear();
  for (const [at, instance] of instances.entries()) {
    add({ world, astray: picture.astray }, instance);
    if (at % slice === slice - 1) await otherWork();
  }
  for (const name of world.subnets.names.ids) setFreeIps(world, name, picture.addresses.get(name)?.free ?? 0);
  for (const host of documentsOf(picture, "Host")) noteNode(picture, host);
  picture.world = world;
  picture.changed = { racks: new Set(world.racks.names.ids), isCommon: true };
}

/** Whether what was read changes the tables of the world, not only what is in them. */
function isNewShape({ documents, addresses }: LivePicture, changes: PictureChanges): boolean {
  if (
    changes.addresses.some(
      ({ subnet, fixed }) => documents.Subnet.has(subnet) && addresses.get(subnet)?.fixed !== fixed,
    )
  ) {
    return true;
  }
  const refs = [...changes.documents, ...changes.deletions].filter(({ kind }) => usableKinds.has(kind));
  if (
    refs.some(({ kind }) => !inPlace.has(kind)) ||
    changes.deletions.some(({ kind }) => kind === "Rack" || kind === "Cluster")
  ) {
    return true;
  }
  return changes.documents.some((document) => {
    if (document.kind !== "Rack" && document.kind !== "Cluster") return false;
    const before = documents[document.kind].get(document.name);
    return before === undefined || withoutState(before) !== withoutState(document);
  });
}

function withoutState({ spec }: EstateDocument): string {
  return JSON.stringify({ ...spec, state: undefined });
}

function keepDocuments(picture: LivePicture, { documents, deletions, whole }: PictureChanges): void {
  for (const { kind, name } of deletions) {
    if (usableKinds.has(kind)) picture.documents[kind as PlacementKind].delete(name);
  }
  for (const document of documents) {
    picture.documents[document.kind as PlacementKind].set(document.name, document);
    if (document.kind === "Host" && !whole) noteNode(picture, document);
  }
}

function noteNode({ hostOfNode }: LivePicture, { name, spec }: EstateDocument<"Host">): void {
  if (spec.cluster !== undefined) hostOfNode.set(`${spec.cluster}/${spec.node ?? name}`, name);
}

function keepAddresses({ addresses }: LivePicture, changes: PictureChanges): void {
  for (const { subnet, fixed, free } of changes.addresses) addresses.set(subnet, { fixed, free });
}

function putHosts(picture: LivePicture, clusters: ClusterFacts, names: ReadonlySet<string>): void {
  if (names.size === 0) return;
  const facts = factsOf(picture, clusters);
  for (const name of names) {
    const document = picture.documents.Host.get(name) as EstateDocument<"Host"> | undefined;
    const record = document === undefined ? null : hostRecord(document, facts);
    if (record === null) continue;
    noteRackOf(picture, name);
    putHost(picture.world, record);
    noteRackOf(picture, name);
  }
}

/** Takes a host out that is no longer in the estate, or in no pool of it. What still stands on it is astray. */
function takeOutHost(picture: LivePicture, name: string): void {
  const { world } = picture;
  const document = picture.documents.Host.get(name) as EstateDocument<"Host"> | undefined;
  if (document?.spec.cluster !== undefined && document.spec.pool !== undefined) return;
  const host = world.hosts.names.index.get(name);
  if (host === undefined || world.hosts.cell[host] === -1) return;
  for (const instance of [...instanceRecords(world)].filter((each) => each.host === name)) {
    removeInstance(world, instance.id);
    picture.astray.set(instance.id, instance);
  }
  noteRackOf(picture, name);
  removeHost(world, name);
}

function changeInstances(picture: LivePicture, changes: PictureChanges) {
  const hosts = new Set<string>();
  const subnets = new Set<string>();
  const take = (id: string): void => {
    const leaving = picture.leaving.get(id);
    if (leaving !== undefined) hosts.add(leaving.host);
    picture.leaving.delete(id);
    picture.astray.delete(id);
    const record = findInstance(picture.world, id);
    if (record === null) return;
    for (const subnet of record.subnets) subnets.add(subnet);
    noteRackOf(picture, record.host);
    removeInstance(picture.world, id);
  };
  for (const id of changes.gone) take(id);
  for (const instance of changes.instances) take(instance.id);
  for (const instance of changes.instances) {
    for (const subnet of instance.subnets) subnets.add(subnet);
    if (instance.leaving) {
      picture.leaving.set(instance.id, instance);
      hosts.add(instance.host);
    } else {
      add(picture, instance);
      noteRackOf(picture, instance.host);
    }
  }
  return { hosts, subnets };
}

function noteRackOfSubnet({ subnets, racks }: World, changed: Set<string>, name: string): void {
  const subnet = subnets.names.index.get(name);
  if (subnet !== undefined) changed.add(racks.names.ids[subnets.rack[subnet]!]!);
}

function noteRackOf({ world, changed }: LivePicture, name: string): void {
  const host = world.hosts.names.index.get(name);
  if (host !== undefined) changed.racks.add(world.racks.names.ids[world.hosts.rack[host]!]!);
}

function add({ world, astray }: Pick<LivePicture, "world" | "astray">, instance: InstanceRecord): void {
  const { hosts, classes, subsystems, dcns, subnets } = world;
  const host = hosts.names.index.get(instance.host);
  const stands =
    host !== undefined &&
    hosts.cell[host] !== -1 &&
    classes.names.index.has(instance.class) &&
    subsystems.names.index.has(instance.subsystem) &&
    dcns.names.index.has(instance.dcn) &&
    instance.subnets.every((subnet) => subnets.names.index.has(subnet));
  if (stands) addInstance(world, instance);
  else astray.set(instance.id, instance);
}

function setStates(picture: LivePicture, clusters: ClusterFacts): void {
  const { world } = picture;
  const before = statesOf(world);
  for (const { name, spec } of documentsOf(picture, "Cluster")) {
    setClusterState(world, name, spec.state ?? "available", !clusters.isHeardOf(name));
  }
  for (const { name, spec } of documentsOf(picture, "Rack")) setRackState(world, name, spec.state ?? "available");
  if (statesOf(world) !== before) picture.changed = { ...picture.changed, isCommon: true };
}

function statesOf({ clusters, racks }: World): string {
  return [clusters.state, clusters.stale, racks.state].join("/");
}

function documentsOf<K extends PlacementKind>({ documents }: LivePicture, kind: K): Iterable<EstateDocument<K>> {
  return documents[kind].values() as Iterable<unknown> as Iterable<EstateDocument<K>>;
}
