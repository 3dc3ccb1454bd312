export { createIpam, type IpamSources } from "./create-ipam.ts";
export { blockSize, dynamicBlockGrantOf, returnBlocksOf, sizeHostBlocks } from "./dynamic-blocks.ts";
export { fixedAddresses, type FixedAddresses } from "./fixed-addresses.ts";
export { letGoOfPods, networkAnnotationsOf, renewInstances, retireInstances } from "./instance-addresses.ts";
export { subnetUsage } from "./ip-queries.ts";
export { pickAddresses, reserveAddresses, type AddressDemand, type ReservedAddress } from "./reserve-addresses.ts";
export { forgetSubnet, syncArea, syncSubnet, type LedgerArea, type LedgerSubnet } from "./sync-network.ts";
export { syncOccupied, type OccupiedAddress, type OccupiedByOwners, type OccupiedProblem } from "./sync-occupied.ts";
