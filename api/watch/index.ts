export { watchOperations } from "./watch-operations.ts";
