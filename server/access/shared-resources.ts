/**
 * The bank's common ground: records that belong to no business and that every business needs to read to ask for anything. Hosts, racks,
 * subnets, clusters and pools are the platform's own and not among them.
 */
const sharedResources: ReadonlySet<string> = new Set([
  "areas",
  "cities",
  "classes",
  "dcn-groups",
  "dcns",
  "environments",
  "idcs",
  "roles",
]);

/** Whether a role bound to a business may read records of this resource that belong to none. */
export function isSharedResource(resource: string): boolean {
  return sharedResources.has(resource);
}
