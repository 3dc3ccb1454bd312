import { accessKindNames } from "@wcs/core/access-rights";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { estateDocumentSchema, type EstateDocument } from "../estate-document.ts";
import { closestWord } from "../faults/closest-word.ts";
import { faultMessages, shownValue, type EstateFault } from "../faults/estate-fault.ts";
import { estateKindNames, estateKinds, type EstateKind } from "../kinds/estate-kinds.ts";
import { addressTextFault } from "./address-text-fault.ts";
import { schemaFaults } from "./schema-fault.ts";

/** A document that its schema accepts, with the version that it is meant to replace; or what is wrong with it. `kind` and `name` are there as far as they could be read. */
export type CheckedDocument =
  | Readonly<{ document: EstateDocument; version: number | null }>
  | Readonly<{ faults: readonly EstateFault[]; kind: EstateKind | null; name: string | null }>;

/** Checks one document by itself: its kind, its fields, their values; everything at once. `change` goes into the faults. */
export function checkDocument(value: unknown, change: number): CheckedDocument {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return notADocument(value, change);
  const { kind, name } = value as Readonly<Record<string, unknown>>;
  const named = typeof name === "string" ? name : null;
  if (!isKind(kind)) return { faults: [unknownKind(kind, named, change)], kind: null, name: named };
  const validate = validatorOf(kind);
  // An absent spec of a kind that requires nothing says the same as an empty one.
  const document = "spec" in value ? value : estateKindRequiresSpec(kind) ? value : { ...value, spec: {} };
  if (validate(document)) {
    const { version = null, ...rest } = document as EstateDocument & Readonly<{ version?: number }>;
    return { document: rest as EstateDocument, version };
  }
  const faults = schemaFaults(validate.errors ?? [], document, kind).map((parts) => ({
    ...parts,
    change,
    kind,
    ...(named === null ? {} : { name: named }),
  }));
  return { faults, kind, name: named };
}

function notADocument(value: unknown, change: number): CheckedDocument {
  const [found, foundZh] = Array.isArray(value) ? ["a list", "列表"] : [shownValue(value), shownValue(value)];
  const texts = faultMessages("not-a-document", { found, foundZh });
  return { faults: [{ code: "not-a-document", change, path: [], at: "value", ...texts }], kind: null, name: null };
}

function isKind(kind: unknown): kind is EstateKind {
  return typeof kind === "string" && Object.hasOwn(estateKinds, kind);
}

function unknownKind(kind: unknown, name: string | null, change: number): EstateFault {
  // Documents of these kinds may stand in the same files; who takes both checks them apart.
  const kinds = [...estateKindNames, ...accessKindNames];
  const closest = typeof kind === "string" ? closestWord(kind, kinds) : null;
  const choices = closest ?? kinds.join(", ");
  const code = kind === undefined || kind === null ? "kind-missing" : "kind-unknown";
  return {
    code,
    change,
    ...(name === null ? {} : { name }),
    path: ["kind"],
    at: "value",
    ...faultMessages(code, { value: shownValue(kind), choices }),
  };
}

function estateKindRequiresSpec(kind: EstateKind): boolean {
  return (estateDocumentSchemaOf(kind).required ?? []).includes("spec");
}

type DocumentSchema = Readonly<{ required?: readonly string[] }>;
const schemas = new Map<EstateKind, DocumentSchema>();
function estateDocumentSchemaOf(kind: EstateKind): DocumentSchema {
  let schema = schemas.get(kind);
  if (schema === undefined) {
    schema = estateDocumentSchema(kind);
    schemas.set(kind, schema);
  }
  return schema;
}

const validators = new Map<EstateKind, ValidateFunction>();
let ajv: Ajv2020 | undefined;

/** Compiled when first needed: seventeen schemas take a tenth of a second, and most programs need few. */
function validatorOf(kind: EstateKind): ValidateFunction {
  const known = validators.get(kind);
  if (known !== undefined) return known;
  if (ajv === undefined) {
    ajv = new Ajv2020({ allErrors: true, verbose: true, strict: true, strictRequired: false });
    for (const format of ["ipv4", "ipv4-cidr", "ipv4-range"] as const) {
      ajv.addFormat(format, (text: string) => addressTextFault(format, text) === null);
    }
  }
  const validate = ajv.compile(estateDocumentSchemaOf(kind));
  validators.set(kind, validate);
  return validate;
}
