export { largeEstate, type EstateSize } from "./large-estate.ts";
export { smallEstate } from "./small-estate.ts";
export { twentyFaults } from "./twenty-faults.ts";
