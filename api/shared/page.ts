import { Type, type TSchema } from "typebox";

/** The query of every list: how many, and where to go on. */
export const pageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 100 })),
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 1000, description: "`next` of the page before" })),
};

/** A page of a list; `next` is null on the last. */
export function pageOf<S extends TSchema>(item: S) {
  return Type.Object({
    items: Type.Array(item),
    next: Type.Union([Type.String(), Type.Null()]),
  });
}

/** `?dryRun=true`: everything is checked, nothing is changed. */
export const dryRunQuery = {
  dryRun: Type.Optional(Type.Boolean({ default: false, description: "check everything, change nothing" })),
};
