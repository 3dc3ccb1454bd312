import type { Reach } from "@wcs/core/access-rights";

/** The columns (SQL expressions) that hold a row's scope; null when the rows have none of it. */
export type ScopeColumns = Readonly<{ business: string | null; environment: string | null; dcnGroup: string | null }>;

/** A SQL condition and its values, whose parameters begin at `firstParameter`. */
export type Condition = Readonly<{ text: string; values: readonly unknown[] }>;

/** `reaches` of core/access-rights as a SQL condition: a test holds the two together on random grants. */
export function scopeCondition(reach: Reach, columns: ScopeColumns, firstParameter: number): Condition {
  const values: unknown[] = [];
  const parameter = (value: unknown): string => {
    values.push(value);
    return `$${firstParameter + values.length - 1}`;
  };
  const within = (list: readonly string[] | null, column: string | null, mayLack: boolean): string => {
    if (list === null) return "true";
    if (column === null) return String(mayLack);
    const among = `coalesce(${column} = ANY(${parameter(list)}::text[]), false)`;
    return mayLack ? `(${column} IS NULL OR ${among})` : among;
  };
  const all = (part: Reach["allow"][number], mayLack: Readonly<{ business: boolean; rest: boolean }>): string =>
    `(${[
      within(part.businesses, columns.business, mayLack.business),
      within(part.environments, columns.environment, mayLack.rest),
      within(part.dcnGroups, columns.dcnGroup, mayLack.rest),
    ].join(" AND ")})`;
  const allow = reach.allow.map((part) => all(part, { business: reach.common, rest: reach.lenient }));
  const deny = reach.deny.map((part) => all(part, { business: false, rest: false }));
  const allowed = allow.length === 0 ? "false" : `(${allow.join(" OR ")})`;
  return { text: deny.length === 0 ? allowed : `(${allowed} AND NOT (${deny.join(" OR ")}))`, values };
}
