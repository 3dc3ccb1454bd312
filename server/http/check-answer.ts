import type { Operation } from "@wcs/api";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { addFormats } from "./add-formats.ts";

const ajv = new Ajv2020({ allErrors: true, strict: false });
addFormats(ajv);
const validators = new WeakMap<object, ValidateFunction>();

/** Throws when an answer is not what the contract says: tests run the server with it. */
export function checkAnswer(operation: Operation, status: number, body: unknown): void {
  const schema = operation.answers[status];
  if (schema === undefined) throw new Error(`${operation.id} answers ${status}, which its contract does not name`);
  if (schema === null) {
    if (body !== undefined) throw new Error(`${operation.id} answers ${status} with a body`);
    return;
  }
  let validate = validators.get(schema);
  if (validate === undefined) {
    validate = ajv.compile(schema);
    validators.set(schema, validate);
  }
  const plain: unknown = typeof body === "string" ? body : JSON.parse(JSON.stringify(body));
  if (validate(plain)) return;
  throw new Error(
    `${operation.id} answers ${status} with what its contract does not allow: ${ajv.errorsText(validate.errors)}`,
  );
}
