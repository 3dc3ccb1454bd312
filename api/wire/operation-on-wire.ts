import type { Operation } from "../http/operation.ts";
import { wireTable } from "./wire-table.ts";

/**
 * An operation by its id, with what a call puts on the wire and without its schemas: the client needs those as types only, and making
 * them takes longer than a whole command line (`npm run bench -- cli`). Throws for an id that there is not.
 */
export function operationOnWire<O extends Operation>(id: O["id"]): O {
  const row = wireTable[id];
  if (row === undefined) throw new TypeError(`there is no operation ${id}`);
  const [method, path, more] = row;
  return { id, method, path, ...more } as unknown as O;
}
