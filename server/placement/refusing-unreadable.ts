import { PlacementInputError } from "@wcs/core/placement";
import { Failure } from "../http/failure.ts";

/** What the engine says of a question that it can't read, as a problem of the request. */
export function refusingUnreadable<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof PlacementInputError)) throw error;
    const pointer = `/${error.field.replaceAll("[", "/").replaceAll("]", "").replaceAll(".", "/")}`;
    throw new Failure("request.invalid", error.message, { errors: [{ pointer, message: error.message }] });
  }
}
