import { faultTexts, type EstateFaultCode } from "./fault-texts.ts";

/** A text in both languages of WCS. */
export type BilingualText = Readonly<{ en: string; zh: string }>;

/** Where in a document: field names and list positions, from its top. */
export type FieldPath = readonly (string | number)[];

/**
 * One thing that is wrong. `change` counts the documents of the file (or the changes of a request) from 0. `path` is where; the field
 * itself may be missing there. `at: "key"`: the field's name is what is wrong, not its value.
 */
export type EstateFault = Readonly<{
  code: EstateFaultCode;
  change: number;
  kind?: string;
  name?: string;
  path: FieldPath;
  at: "key" | "value";
  message: BilingualText;
  remedy: BilingualText;
}>;

/** What fills the braces of a fault's texts. */
export type FaultValues = Readonly<Record<string, string | number>>;

/** The texts of a fault, filled in. */
export function faultMessages(
  code: EstateFaultCode,
  values: FaultValues,
): Readonly<{ message: BilingualText; remedy: BilingualText }> {
  const texts = faultTexts[code];
  const fill = (template: string) =>
    template.replace(/\{(\w+)\}/g, (whole, key: string) => (values[key] === undefined ? whole : String(values[key])));
  return {
    message: { en: fill(texts.en), zh: fill(texts.zh) },
    remedy: { en: fill(texts.fixEn), zh: fill(texts.fixZh) },
  };
}

/** `spec.capacity.cpuMilli`, `spec.areas[1]`; the document itself is the empty text. */
export function fieldName(path: FieldPath): string {
  return path.map((part, at) => (typeof part === "number" ? `[${part}]` : at === 0 ? part : `.${part}`)).join("");
}

const mostShown = 80;

/** A value as a message shows it: JSON, cut off when long. */
export function shownValue(value: unknown): string {
  const json = typeof value === "string" && /^[\x21-\x7e]+$/.test(value) ? value : (JSON.stringify(value) ?? "nothing");
  return json.length > mostShown ? `${json.slice(0, mostShown)}…` : json;
}

const mostNamed = 10;

/** The first ten of a list, and how many more there are. */
export function shownList(items: readonly string[]): string {
  const named = items.slice(0, mostNamed).join(", ");
  return items.length > mostNamed ? `${named}, +${items.length - mostNamed}` : named;
}
