export type Term = readonly [number, string];

/** Collects rows, bounds and costs of a mixed-integer program and writes them as CPLEX LP text. */
export function createModel() {
  const rows: string[] = [];
  const bounds: string[] = [];
  const integers: string[] = [];
  const costs: Term[] = [];
  let broken = false;
  const sum = (terms: readonly Term[]) =>
    terms.map(([factor, name]) => `${factor < 0 ? "-" : "+"} ${Math.abs(factor)} ${name}`).join(" ");
  return {
    row(terms: readonly Term[], sign: "=" | "<=" | ">=", right: number): void {
      const real = terms.filter(([factor]) => factor !== 0);
      if (real.length > 0) rows.push(`c${rows.length}: ${sum(real)} ${sign} ${right}`);
      else if (sign === "=" ? right !== 0 : sign === "<=" ? right < 0 : right > 0) broken = true;
    },
    integer(name: string, most: number): void {
      bounds.push(`0 <= ${name} <= ${most}`);
      integers.push(name);
    },
    real(name: string, most: number): void {
      bounds.push(`0 <= ${name} <= ${most}`);
    },
    cost(factor: number, name: string): void {
      if (factor !== 0) costs.push([factor, name]);
    },
    impossible: () => broken,
    text: () =>
      [
        "Minimize",
        ` obj: ${costs.length === 0 ? "0 nothing" : sum(costs)}`,
        "Subject To",
        ...rows,
        "Bounds",
        "0 <= nothing <= 0",
        ...bounds,
        "General",
        integers.join("\n"),
        "End",
      ].join("\n"),
  };
}

export type Model = ReturnType<typeof createModel>;

/** New instances of one subsystem in one DCN, and the hosts that static rules leave to them. */
export type Demand = Readonly<{
  index: number;
  subsystem: string;
  dcn: string;
  class: string;
  areas: readonly string[];
  longTerm: boolean;
  count: number;
  hosts: readonly string[];
}>;

/** The variable: how many instances of a demand are on a host. */
export function x(demand: Demand, host: string): string {
  return `x_${demand.index}_${host.replaceAll("-", "_")}`;
}
