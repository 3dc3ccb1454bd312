import { PlacementInputError, type PlacementRequest } from "./request.ts";
import type { World } from "./world.ts";

/** A subsystem in a DCN that a request is about, and whose it is. */
export type RequestScope = Readonly<{
  name: string;
  scope: Readonly<{ business: string; environment: string; dcnGroup: string }>;
}>;

/** All that a request is about, for who decides whether its author may ask. Throws PlacementInputError for an unknown name. */
export function scopesOfRequest(world: World, request: PlacementRequest): RequestScope[] {
  const pairs = new Map<string, RequestScope>();
  const add = (subsystemId: string, dcnId: string, field: string) => {
    const subsystem = world.subsystems.names.index.get(subsystemId);
    const dcn = world.dcns.names.index.get(dcnId);
    const missing = subsystem === undefined ? subsystemId : dcnId;
    if (subsystem === undefined || dcn === undefined) {
      throw new PlacementInputError(field, `"${missing}" is not known`, "check the name");
    }
    const name = `${subsystemId}/${dcnId}`;
    pairs.set(name, {
      name,
      scope: {
        business: world.businesses.ids[world.subsystems.business[subsystem]!]!,
        environment: world.environments.ids[world.dcns.environment[dcn]!]!,
        dcnGroup: world.groups.ids[world.dcns.group[dcn]!]!,
      },
    });
  };
  for (const [at, item] of (request.items ?? []).entries()) {
    for (const dcn of Object.keys(item.counts)) add(item.subsystem, dcn, `items[${at}]`);
  }
  for (const [at, id] of (request.replace ?? []).entries()) {
    const row = world.instances.names.get(id);
    if (row === undefined) {
      throw new PlacementInputError(`replace[${at}]`, `"${id}" is not an instance`, "check the id");
    }
    const deployment = world.instances.deployment[row]!;
    add(
      world.subsystems.names.ids[world.deployments.subsystem[deployment]!]!,
      world.dcns.names.ids[world.deployments.dcn[deployment]!]!,
      `replace[${at}]`,
    );
  }
  return [...pairs.values()];
}
