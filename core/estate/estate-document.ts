import { Type, type TObject } from "typebox";
import { closedObject, labels, nameMaxLength, text } from "./kinds/fields.ts";
import { estateKinds, type EstateKind, type EstateSpec } from "./kinds/estate-kinds.ts";

/** A document of the estate. `title` is what people call it, in any language. */
export type EstateDocument<K extends EstateKind = EstateKind> = {
  [Each in K]: Readonly<{
    kind: Each;
    name: string;
    title?: string;
    labels?: Readonly<Record<string, string>>;
    spec: EstateSpec<Each>;
  }>;
}[K];

/** Names one document. */
export type EstateRef = Readonly<{ kind: EstateKind; name: string }>;

/** The JSON Schema of a document of the kind. A kind whose spec requires nothing may leave `spec` out. */
export function estateDocumentSchema(kind: EstateKind): TObject {
  const facts = estateKinds[kind];
  const { required } = facts.spec as Readonly<{ required?: readonly string[] }>;
  return closedObject({
    kind: Type.Literal(kind),
    name: Type.String({ pattern: facts.namePattern, maxLength: nameMaxLength, description: "its name, for good" }),
    title: Type.Optional(text(200, "what people call it, in any language")),
    labels: Type.Optional(labels),
    version: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: Number.MAX_SAFE_INTEGER,
        description: "if given, it must still be at this version",
      }),
    ),
    spec: required === undefined || required.length === 0 ? Type.Optional(facts.spec) : facts.spec,
  });
}
