export { estateFilters } from "./filters/estate-filters.ts";
export {
  changeEstate,
  estateOperationList,
  estateOperations,
  importEstate,
  listUses,
  type EstateRecord,
} from "./estate-operations.ts";
