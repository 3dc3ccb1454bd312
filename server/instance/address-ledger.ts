import { letGoOfPods, networkAnnotationsOf, reserveAddresses, retireInstances } from "../ipam/index.ts";
import type { AddressLedger } from "./neighbours.ts";

/** The ledger of addresses as the main job uses it. */
export const addressLedger: AddressLedger = {
  reserve: reserveAddresses,
  network: async (query, instance) => {
    const network = (await networkAnnotationsOf(query, [instance])).get(instance);
    if (network === undefined) throw new Error(`${instance} has no addresses in the ledger`);
    return network;
  },
  retire: async (tx, instances, podUids) => {
    // Kubernetes says that the pods are gone; their host's agent may say so later.
    await letGoOfPods(tx, podUids);
    await retireInstances(tx, instances);
  },
};
