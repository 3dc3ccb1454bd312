import { findDocument } from "../model/estate-index.ts";
import { machineRules } from "./machine-rules.ts";
import type { KindRules } from "./rule-context.ts";

/** A VM that is an instance names subsystem and DCN, and stands in the DCN's IDC. */
export const vmRules: KindRules<"VM"> = (context, vm) => {
  machineRules(context, vm);
  const { rack, subsystem, dcn } = vm.spec;
  if ((subsystem === undefined) !== (dcn === undefined)) {
    const [present, absent] =
      subsystem === undefined ? (["dcn", "subsystem"] as const) : (["subsystem", "dcn"] as const);
    context.report("vm-pair", { document: vm, path: ["spec", present] }, { present, absent });
  }
  const rackIdc = findDocument(context.index, "Rack", rack)?.spec.idc;
  const dcnIdc = dcn === undefined ? undefined : findDocument(context.index, "DCN", dcn)?.spec.idc;
  if (dcn === undefined || rackIdc === undefined || dcnIdc === undefined || rackIdc === dcnIdc) return;
  context.report("vm-dcn-idc", { document: vm, path: ["spec", "dcn"] }, { rack, rackIdc, dcn, dcnIdc });
};
