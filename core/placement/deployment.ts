import type { World } from "./world.ts";

/** The row of a subsystem in a DCN, made when it is new. */
export function ensureDeployment(world: World, subsystem: number, dcn: number): number {
  const key = subsystem * world.dcns.names.ids.length + dcn;
  const known = world.deployments.slot.get(key);
  if (known !== undefined) return known;
  const index = world.deployments.subsystem.length;
  world.deployments.slot.set(key, index);
  world.deployments.subsystem.push(subsystem);
  world.deployments.dcn.push(dcn);
  world.deployments.instances.push([]);
  world.deployments.vms.push([]);
  world.subsystems.deployments[subsystem]!.push(index);
  return index;
}

/** Instances and VMs that a deployment has now. */
export function sizeOfDeployment(world: World, deployment: number): Readonly<{ instances: number; vms: number }> {
  return {
    instances: world.deployments.instances[deployment]!.length,
    vms: world.deployments.vms[deployment]!.length,
  };
}
