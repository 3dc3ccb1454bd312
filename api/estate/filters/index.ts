export { estateFilters } from "./estate-filters.ts";
