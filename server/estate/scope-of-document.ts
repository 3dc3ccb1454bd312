import { findDocument, type EstateDocument, type EstateIndex } from "@wcs/core/estate";
import type { Scope } from "@wcs/core/access-rights";
import { nowhere } from "../access/nowhere.ts";

/** What a document belongs to. The rules keep what this follows from from changing while the document is there. */
export function scopeOfDocument(index: EstateIndex, document: EstateDocument): Scope {
  switch (document.kind) {
    case "Environment":
      return { ...nowhere, environment: document.name };
    case "Business":
      return { ...nowhere, business: document.name };
    case "Person":
      return { ...nowhere, business: document.spec.business ?? null };
    case "System":
      return { ...nowhere, business: document.spec.business };
    case "Subsystem":
      return { ...nowhere, business: businessOf(index, document.spec) };
    case "Cluster":
    case "Pool":
      return { ...nowhere, environment: document.spec.environment };
    case "Host": {
      const { cluster } = document.spec;
      const environment =
        cluster === undefined ? null : (findDocument(index, "Cluster", cluster)?.spec.environment ?? null);
      return { ...nowhere, environment };
    }
    case "DCNGroup":
      return { ...nowhere, dcnGroup: document.name };
    case "DCN":
      return { ...nowhere, environment: document.spec.environment, dcnGroup: document.spec.group };
    case "VM": {
      const { subsystem, dcn } = document.spec;
      const subsystemSpec = subsystem === undefined ? undefined : findDocument(index, "Subsystem", subsystem)?.spec;
      const dcnSpec = dcn === undefined ? undefined : findDocument(index, "DCN", dcn)?.spec;
      return {
        business: subsystemSpec === undefined ? null : businessOf(index, subsystemSpec),
        environment: dcnSpec?.environment ?? null,
        dcnGroup: dcnSpec?.group ?? null,
      };
    }
    default:
      return nowhere;
  }
}

function businessOf(index: EstateIndex, { system }: EstateDocument<"Subsystem">["spec"]): string | null {
  return findDocument(index, "System", system)?.spec.business ?? null;
}
