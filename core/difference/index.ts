export { differences, listKey, type Difference } from "./difference.ts";
