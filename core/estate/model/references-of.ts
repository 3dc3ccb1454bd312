import type { EstateDocument } from "../estate-document.ts";
import type { FieldPath } from "../faults/estate-fault.ts";
import type { EstateKind } from "../kinds/estate-kinds.ts";

/** A field that names another document. */
export type EstateReference = Readonly<{ path: FieldPath; kind: EstateKind; name: string; at?: "key" }>;

/** Every document that this one names, with the field that does. */
export function referencesOf(document: EstateDocument): readonly EstateReference[] {
  const found: EstateReference[] = [];
  const refer = (kind: EstateKind, name: string | undefined, ...path: (string | number)[]): void => {
    if (name !== undefined) found.push({ kind, name, path: ["spec", ...path] });
  };
  const referKey = (kind: EstateKind, name: string, ...path: (string | number)[]): void => {
    found.push({ kind, name, path: ["spec", ...path], at: "key" });
  };
  switch (document.kind) {
    case "City":
    case "Area":
    case "Environment":
    case "Business":
    case "Class":
    case "DCNGroup":
      break;
    case "IDC":
      refer("City", document.spec.city, "city");
      break;
    case "Rack":
      refer("IDC", document.spec.idc, "idc");
      break;
    case "Subnet":
      refer("Rack", document.spec.rack, "rack");
      refer("Area", document.spec.area, "area");
      break;
    case "Person":
      refer("Business", document.spec.business, "business");
      break;
    case "System":
      refer("Business", document.spec.business, "business");
      break;
    case "Subsystem": {
      const { system, owner, areas, rules } = document.spec;
      refer("System", system, "system");
      refer("Person", owner, "owner");
      areas?.forEach((area, at) => refer("Area", area, "areas", at));
      rules?.together?.forEach((rule, at) => refer("Subsystem", rule.subsystem, "rules", "together", at, "subsystem"));
      rules?.apart?.forEach((rule, at) => refer("Subsystem", rule.subsystem, "rules", "apart", at, "subsystem"));
      break;
    }
    case "Cluster":
      refer("IDC", document.spec.idc, "idc");
      refer("Environment", document.spec.environment, "environment");
      break;
    case "Pool":
      refer("Environment", document.spec.environment, "environment");
      refer("Class", document.spec.bigClass, "bigClass");
      for (const business of Object.keys(document.spec.quotas ?? {})) {
        referKey("Business", business, "quotas", business);
      }
      break;
    case "Host":
      refer("Rack", document.spec.rack, "rack");
      refer("Cluster", document.spec.cluster, "cluster");
      refer("Pool", document.spec.pool, "pool");
      for (const area of Object.keys(document.spec.addresses)) referKey("Area", area, "addresses", area);
      break;
    case "VM":
      refer("Rack", document.spec.rack, "rack");
      refer("Subsystem", document.spec.subsystem, "subsystem");
      refer("DCN", document.spec.dcn, "dcn");
      for (const area of Object.keys(document.spec.addresses)) referKey("Area", area, "addresses", area);
      break;
    case "DCN": {
      const { group, idc, environment, clusters, databaseRack } = document.spec;
      refer("DCNGroup", group, "group");
      refer("IDC", idc, "idc");
      refer("Environment", environment, "environment");
      clusters?.forEach((cluster, at) => refer("Cluster", cluster, "clusters", at));
      refer("Rack", databaseRack, "databaseRack");
      break;
    }
  }
  return found;
}
