import { Type, type TObject, type TProperties } from "typebox";

/** The one rule for names: lower-case letters, digits and single dashes, beginning with a letter (a DNS label, RFC 1123). */
export const namePattern = "^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$";
export const nameMaxLength = 63;
/** Four digits. */
export const subsystemIdPattern = "^[0-9]{4}$";
/** Three upper-case letters or digits. */
export const dcnIdPattern = "^[0-9A-Z]{3}$";
/** Two upper-case letters or digits, or `ADM`: the group of what is not sliced. */
export const dcnGroupIdPattern = "^(?:[0-9A-Z]{2}|ADM)$";
/** `2C4G`, with what else is special behind a dash (`2C4G-ssd`); or a name by the rule for names. */
export const classNamePattern = "^(?:[1-9][0-9]{0,2}C[1-9][0-9]{0,3}G(?:-[a-z0-9]+)*|[a-z][a-z0-9]*(?:-[a-z0-9]+)*)$";

/** An object that takes the named fields and no others. */
export function closedObject<const P extends TProperties>(properties: P): TObject<P> {
  return Type.Object(properties, { additionalProperties: false });
}

/** The name of another document. */
export function nameOf(what: string) {
  return Type.String({ pattern: namePattern, maxLength: nameMaxLength, description: `${what}, by name` });
}

export const subsystemId = (description: string) => Type.String({ pattern: subsystemIdPattern, description });
export const dcnId = (description: string) => Type.String({ pattern: dcnIdPattern, description });
export const className = (description: string) =>
  Type.String({ pattern: classNamePattern, maxLength: nameMaxLength, description });

export const cidr = (description: string) => Type.String({ format: "ipv4-cidr", maxLength: 49, description });
export const address = (description: string) => Type.String({ format: "ipv4", maxLength: 45, description });
export const range = (description: string) => Type.String({ format: "ipv4-range", maxLength: 91, description });

/** An address in each of some areas: `{ core: 10.71.1.1 }`. */
export const addresses = Type.Record(Type.String({ pattern: namePattern }), address("IPv4 address"), {
  additionalProperties: false,
  minProperties: 1,
  maxProperties: 16,
  description: "area -> the IPv4 address there",
});

/** A text for people: no control characters, which could break a log or a terminal, and no halves of surrogate pairs, which no UTF-8 has. */
export const text = (maxLength: number, description: string) =>
  Type.String({
    minLength: 1,
    maxLength,
    pattern: "^[^\\u0000-\\u001f\\u007f\\ud800-\\udfff]+$",
    description,
  });

/** Kubernetes' rule for labels: an optional DNS prefix and a name of at most 63 characters; values of at most 63. */
export const labelKeyPattern = "^(?:[a-z0-9][a-z0-9.-]{0,252}/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$";
export const labels = Type.Record(
  Type.String({ pattern: labelKeyPattern }),
  Type.String({ pattern: "^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$" }),
  { additionalProperties: false, maxProperties: 64, description: "key -> value, by Kubernetes' rule for labels" },
);

export const operatingState = Type.Enum(["available", "unavailable", "offline"], {
  description:
    "`available` (the default): takes new instances; `unavailable`: keeps what it has; `offline`: what it had is not running",
});

export const ioClass = Type.String({
  pattern: namePattern,
  maxLength: 32,
  description: "the kind of disk, such as `ssd`; absent: any",
});

const quotaAmountFields = {
  cpuMilli: Type.Integer({ minimum: 0, maximum: 1e12, description: "thousandths of a core" }),
  memoryMiB: Type.Integer({ minimum: 0, maximum: 1e12, description: "MiB" }),
};

/** What a quota is about. */
export const quotaAmount = closedObject(quotaAmountFields);
