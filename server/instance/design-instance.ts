import { instanceManifests, type InstanceManifests } from "@wcs/core/instance";
import { renderTemplate } from "@wcs/core/template";
import type { Query, Row } from "../database/database.ts";
import type { TemplateService } from "../template/template-service.ts";
import type { InstanceDesignRecord, InstanceRecord } from "./instance-record.ts";
import type { Neighbours } from "./neighbours.ts";

/** The design of an instance as a release would bring it, or brings it: `design` may be another than the instance's own. */
export async function designInstance(
  query: Query,
  {
    instance,
    design,
    release,
    neighbours,
    templates,
    timeZone,
  }: Readonly<{
    instance: InstanceRecord;
    design: InstanceDesignRecord;
    release: string;
    neighbours: Neighbours;
    templates: TemplateService;
    timeZone: string;
  }>,
): Promise<InstanceManifests> {
  const template = await templates.find(query, instance.subsystem, design.template);
  const size = await neighbours.estate.class(query, instance.class);
  const network = await neighbours.addresses.network(query, instance.name);
  if (template === null) throw new Error(`template ${instance.subsystem}/${design.template} is gone`);
  if (size === null) throw new Error(`class ${instance.class} is gone`);
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

/** Keeps what is meant, before it is applied, so that a pod of it can be told apart from what comes later. */
export async function keepDesign(query: Query, instance: string, manifests: InstanceManifests): Promise<void> {
  await query(
    `INSERT INTO instance_designs (instance, version, manifests) VALUES ($1, $2, $3)
     ON CONFLICT (instance, version) DO UPDATE SET made_at = now()
     WHERE instance_designs.made_at < now() - interval '1 day'`,
    [instance, manifests.version, JSON.stringify(manifests)],
  );
  await query(
    `DELETE FROM instance_designs WHERE instance = $1 AND version NOT IN
       (SELECT version FROM instance_designs WHERE instance = $1 ORDER BY made_at DESC LIMIT 20)`,
    [instance],
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
