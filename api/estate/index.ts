export { estateFilters } from "./estate-filters.ts";
export { changeEstate, estateOperationList, estateOperations, type EstateRecord } from "./estate-operations.ts";
