export {
  dynamicBlockAnnotationName,
  parseDynamicBlockGrant,
  printDynamicBlockGrant,
  type DynamicBlockGrant,
} from "./dynamic-block-annotation.ts";
export { formProblemsText, type FormProblem, type ParsedForm } from "./form.ts";
export { macOfAddress, macPrefix } from "./mac-of-address.ts";
export {
  networkAnnotationName,
  parseNetworkAnnotation,
  printNetworkAnnotation,
  type NetworkAnnotation,
  type NetworkNic,
  type NicRoute,
} from "./network-annotation.ts";
