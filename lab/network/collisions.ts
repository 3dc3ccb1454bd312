import { run } from "../process/run.ts";
import { LabError } from "../state/lab-error.ts";
import { rootLink } from "../state/paths.ts";
import { networksOf } from "../topology/check-addresses.ts";
import { overlaps, parseNetwork } from "../topology/ipv4.ts";
import type { Topology } from "../topology/schema.ts";

type Route = Readonly<{ dst: string; dev?: string; type?: string }>;

/** Where a topology's networks meet routes or addresses that the machine has for others. Pure. */
export function findCollisions(topology: Topology, routes: readonly Route[]): string[] {
  const machine = routes
    .filter((route) => route.dst !== "default" && route.dev !== rootLink && route.dev !== "lo")
    .flatMap((route) => {
      const network = parseNetwork(route.dst.includes("/") ? route.dst : `${route.dst}/32`);
      return network === null ? [] : [{ ...route, ...network }];
    });
  return networksOf(topology).flatMap((network) => {
    const other = machine.find((candidate) => overlaps(candidate, network));
    if (other === undefined) return [];
    return [
      `${network.cidr} (${network.path.join(".")}) overlaps the machine's ${other.dst} on ${other.dev ?? other.type}`,
    ];
  });
}

/** @throws LabError "collision" that names every clash, before anything is made */
export async function refuseCollisions(topology: Topology): Promise<void> {
  const routes = JSON.parse(await run("ip", ["-j", "-4", "route", "show", "table", "all"])) as Route[];
  const found = findCollisions(topology, routes);
  if (found.length === 0) return;
  throw new LabError(
    "collision",
    `topology ${topology.name} can't be used on this machine:\n${found.map((line) => `  ${line}`).join("\n")}\n` +
      "Copy the topology file, choose other networks, and name the copy.",
  );
}
