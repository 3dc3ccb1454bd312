export { estateFilters } from "./estate-filters.ts";
export {
  changeEstate,
  estateOperationList,
  estateOperations,
  listUses,
  type EstateRecord,
} from "./estate-operations.ts";
