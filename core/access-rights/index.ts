export { accessKindNames } from "./access-kind-names.ts";
export {
  reaches,
  reachesAnything,
  reachesEverything,
  reachOf,
  type Grant,
  type Reach,
  type Scope,
  type Wish,
} from "./access-rights.ts";
