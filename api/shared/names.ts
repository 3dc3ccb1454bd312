import { Type } from "typebox";

/** A name by the one rule of names: lower-case letters, digits and inner hyphens, at most 63 (RFC 1123's label). */
export const labelPattern = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$";

/** A moment, RFC 3339 in UTC. */
export const moment = Type.String({ format: "date-time" });

/** A text for people: no control characters, so that it can't break a log or a terminal. */
export const humanText = (maxLength: number) => Type.String({ maxLength, pattern: "^[^\\u0000-\\u001f\\u007f]*$" });
