import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { LinkError } from "./link-error.ts";

const validators = new WeakMap<TSchema, ReturnType<typeof Compile>>();

/** Throws `link.invalid`, which names the first wrong field. `what` is "the request of agent.join" or the like. */
export function checkBody(schema: TSchema, value: unknown, what: string): void {
  let validator = validators.get(schema);
  if (validator === undefined) {
    validator = Compile(schema);
    validators.set(schema, validator);
  }
  if (validator.Check(value)) return;
  const [first] = validator.Errors(value);
  throw new LinkError(
    "link.invalid",
    `${what}: ${first?.instancePath || "the body"} ${first?.message ?? "does not fit"}`,
  );
}
