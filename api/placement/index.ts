export { placementOperations } from "./placement-operations.ts";
