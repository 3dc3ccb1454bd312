import { instanceManifests, type InstanceClass, type InstanceManifests } from "@wcs/core/instance";
import type { NetworkAnnotation } from "@wcs/core/ipam";
import { renderTemplate } from "@wcs/core/template";
import type { Query, Row } from "../database/database.ts";
import type { TemplateService } from "../template/template-service.ts";
import type { Template } from "../template/template-store.ts";
import type { InstanceDesignRecord, InstanceRecord } from "./instance-record.ts";
import type { Neighbours } from "./neighbours.ts";

export type DesignEnvironment = Readonly<{ neighbours: Neighbours; templates: TemplateService; timeZone: string }>;

/** An instance with what it is to run, which may be another than its own, and the release that brings it. */
export type WantedDesign = Readonly<{ instance: InstanceRecord; design: InstanceDesignRecord; release: string }>;

/** Designs instances as releases would bring them, or bring them: what several have in common is read once. */
export async function createDesigner(
  query: Query,
  { neighbours, templates, timeZone }: DesignEnvironment,
  instances: readonly string[],
): Promise<(wanted: WantedDesign) => Promise<InstanceManifests>> {
  const networks = await neighbours.addresses.networks(query, instances);
  const sizes = new Map<string, Promise<InstanceClass | null>>();
  const found = new Map<string, Promise<Template | null>>();
  return async ({ instance, design, release }) => {
    const { subsystem, class: className } = instance;
    const key = `${subsystem}/${design.template}`;
    const finding = found.get(key) ?? templates.find(query, subsystem, design.template);
    found.set(key, finding);
    const sizing = sizes.get(className) ?? neighbours.estate.class(query, className);
    sizes.set(className, sizing);
    const [template, size, network] = [await finding, await sizing, networks.get(instance.name)];
    if (template === null) throw new Error(`template ${key} is gone`);
    if (size === null) throw new Error(`class ${className} is gone`);
    if (network === undefined) throw new Error(`${instance.name} has no addresses in the ledger`);
    return manifestsOf({ instance, design, release }, { template, size, network, neighbours, timeZone });
  };
}

/** The design of one instance. */
export async function designInstance(
  query: Query,
  environment: DesignEnvironment,
  wanted: WantedDesign,
): Promise<InstanceManifests> {
  const designOf = await createDesigner(query, environment, [wanted.instance.name]);
  return designOf(wanted);
}

type DesignFacts = Readonly<{
  template: Template;
  size: InstanceClass;
  network: NetworkAnnotation;
  neighbours: Neighbours;
  timeZone: string;
}>;

function manifestsOf(
  { instance, design, release }: WantedDesign,
  { template, size, network, neighbours, timeZone }: DesignFacts,
): InstanceManifests {
  return instanceManifests({
    instance: instance.name,
    business: instance.business,
    subsystem: instance.subsystem,
    dcn: instance.dcn,
    environment: instance.environment,
    namespace: neighbours.clusters.namespaceOf(instance.business),
    host: instance.node,
    class: size,
    network,
    template: renderTemplate(template.spec, design.parameters, {
      instance: instance.name,
      subsystem: instance.subsystem,
      dcn: instance.dcn,
      dcnGroup: instance.dcnGroup,
      idc: instance.idc,
      rack: instance.rack,
      environment: instance.environment,
      ip: instance.nics[0]?.ip ?? "",
      class: instance.class,
      cpuMilli: String(size.cpuMilli),
      memoryMiB: String(size.memoryMiB),
    }),
    imageDigest: design.imageDigest,
    timeZone,
    release,
    running: instance.wish === "run",
  });
}

/** How long a design that this server has kept counts as kept; those in use are told anew each day. */
const keptForMs = 3_600_000;

/**
 * Keeps what is meant, before it is applied, so that a pod of it can be told apart from what comes later. Tells the database only of what this
 * server has not told it lately.
 */
export function createDesignKeeper(query: Query): (instance: string, manifests: InstanceManifests) => Promise<void> {
  const kept = new Map<string, Readonly<{ version: string; untilMs: number }>>();
  return async (instance, manifests) => {
    const { version } = manifests;
    const before = kept.get(instance);
    if (before?.version === version && performance.now() < before.untilMs) return;
    await keepDesign(query, instance, manifests);
    kept.set(instance, { version, untilMs: performance.now() + keptForMs });
  };
}

async function keepDesign(query: Query, instance: string, manifests: InstanceManifests): Promise<void> {
  // The last twenty versions, and the one that is kept now, which the same statement does not see.
  await query(
    `WITH kept AS (
       INSERT INTO instance_designs (instance, version, manifests) VALUES ($1, $2, $3)
       ON CONFLICT (instance, version) DO UPDATE SET made_at = now()
       WHERE instance_designs.made_at < now() - interval '1 day')
     DELETE FROM instance_designs WHERE instance = $1 AND version <> $2 AND version NOT IN
       (SELECT version FROM instance_designs WHERE instance = $1 ORDER BY made_at DESC LIMIT 20)`,
    [instance, manifests.version, JSON.stringify(manifests)],
  );
}

/** What was meant by the pod version that a pod carries; null when it is not kept any more. */
export async function keptDesign(query: Query, instance: string, version: string): Promise<InstanceManifests | null> {
  const [row] = await query<Row & { manifests: InstanceManifests }>(
    "SELECT manifests FROM instance_designs WHERE instance = $1 AND version = $2",
    [instance, version],
  );
  return row?.manifests ?? null;
}
