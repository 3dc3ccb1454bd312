import type { KindRules } from "./rule-context.ts";

const sizeName = /^(\d+)C(\d+)G/;

/** A class whose name is a size has that size. */
export const classRules: KindRules<"Class"> = (context, { kind, name, spec }) => {
  const [, cores, gib] = sizeName.exec(name) ?? [];
  if (cores === undefined || gib === undefined) return;
  const expected = { cpuMilli: Number(cores) * 1000, memoryMiB: Number(gib) * 1024 };
  for (const field of ["cpuMilli", "memoryMiB"] as const) {
    if (spec[field] === expected[field]) continue;
    const values = { name, field, value: spec[field], expected: expected[field] };
    context.report("class-name-size", { document: { kind, name }, path: ["spec", field] }, values);
  }
};
