import {
  letGoOfPods,
  networkAnnotationsOf,
  pickAddresses,
  renewInstances,
  reserveAddresses,
  retireInstances,
} from "../ipam/index.ts";
import type { AddressLedger } from "./neighbours.ts";

/** The ledger of addresses as the main job uses it. */
export const addressLedger: AddressLedger = {
  pick: pickAddresses,
  reserve: reserveAddresses,
  networks: async (query, instances) => {
    const networks = await networkAnnotationsOf(query, instances);
    const without = instances.find((instance) => !networks.has(instance));
    if (without !== undefined) throw new Error(`${without} has no addresses in the ledger`);
    return networks;
  },
  renew: async (tx, instances) => {
    await renewInstances(tx, instances);
  },
  retire: async (tx, instances, podUids) => {
    // Kubernetes says that the pods are gone; their host's agent may say so later.
    await letGoOfPods(tx, podUids);
    await retireInstances(tx, instances);
  },
};
