import type { Names } from "./names.ts";

/** The estate can't be read: names the record and field, what was wrong and what to do. */
export class EstateError extends Error {
  readonly field: string;

  constructor(field: string, problem: string, fix: string) {
    super(`${field}: ${problem}; ${fix}`);
    this.name = "EstateError";
    this.field = field;
  }
}

export function twice(field: string): EstateError {
  return new EstateError(field, "is there twice", "remove one of the two");
}

export function refer(names: Names, id: string, field: string): number {
  const index = names.index.get(id);
  if (index === undefined) {
    throw new EstateError(field, `names "${id}", which is not there`, "add it or correct the name");
  }
  return index;
}

export function notNegative(amount: number, field: string): void {
  if (!(amount >= 0)) throw new EstateError(field, `is ${amount}`, "give a number of nought or more");
}
