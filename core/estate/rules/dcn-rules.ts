import { shownList } from "../faults/estate-fault.ts";
import { findDocument, referrersOf } from "../model/estate-index.ts";
import { tellsOf, type KindRules, type RuleContext } from "./rule-context.ts";
import type { EstateDocument } from "../estate-document.ts";

const unsliced = "ADM";

/** A DCN's name says its group; the DCNs of a group are in different IDCs and one environment; its clusters are of its IDC and environment. */
export const dcnRules: KindRules<"DCN"> = (context, dcn) => {
  checkName(context, dcn);
  checkGroup(context, dcn);
  const { idc, environment, clusters } = dcn.spec;
  clusters?.forEach((name, at) => {
    const cluster = findDocument(context.index, "Cluster", name)?.spec;
    if (cluster === undefined || (cluster.idc === idc && cluster.environment === environment)) return;
    const values = {
      idc,
      environment,
      cluster: name,
      clusterIdc: cluster.idc,
      clusterEnvironment: cluster.environment,
    };
    context.report("dcn-cluster", { document: dcn, path: ["spec", "clusters", at] }, values);
  });
};

/** A group that no longer allows it has no two DCNs in one IDC. */
export const dcnGroupRules: KindRules<"DCNGroup"> = (context, group) => {
  if (group.spec.sharedIdc === true) return;
  const byIdc = Map.groupBy(referrersOf(context.index, group, "DCN"), (dcn) => dcn.spec.idc);
  for (const [idc, dcns] of byIdc) {
    // Those that the file says have their own fault.
    const [first, ...others] = dcns.filter((dcn) => !context.changes.has(`DCN/${dcn.name}`));
    if (first === undefined || others.length === 0) continue;
    const values = { name: first.name, others: shownList(others.map((dcn) => dcn.name)), group: group.name, idc };
    context.report("dcn-group-idc", { document: group, path: ["spec", "sharedIdc"] }, values);
  }
};

function checkName({ index, report }: RuleContext, dcn: EstateDocument<"DCN">): void {
  const { name } = dcn;
  const { group } = dcn.spec;
  const place = { document: dcn, path: ["spec", "group"] };
  if (group !== unsliced) {
    if (!name.startsWith(group)) report("dcn-name-group", place, { name, group });
  } else if (index.documents.DCNGroup.has(name.slice(0, 2))) {
    report("dcn-name-other-group", place, { name, group: name.slice(0, 2) });
  }
}

function checkGroup(context: RuleContext, dcn: EstateDocument<"DCN">): void {
  const { group, idc, environment } = dcn.spec;
  const groupDocument = findDocument(context.index, "DCNGroup", group);
  if (groupDocument === undefined) return;
  const others = referrersOf(context.index, groupDocument, "DCN").filter(
    (other) => other.name !== dcn.name && tellsOf(context, dcn, other),
  );
  const near = others.filter((other) => other.spec.idc === idc).map((other) => other.name);
  if (near.length > 0 && groupDocument.spec.sharedIdc !== true) {
    const values = { name: dcn.name, others: shownList(near), group, idc };
    context.report("dcn-group-idc", { document: dcn, path: ["spec", "idc"] }, values);
  }
  const foreign = group === unsliced ? undefined : others.find((other) => other.spec.environment !== environment);
  if (foreign === undefined) return;
  const values = { name: dcn.name, environment, other: foreign.name, otherEnvironment: foreign.spec.environment };
  context.report("dcn-group-environment", { document: dcn, path: ["spec", "environment"] }, values);
}
