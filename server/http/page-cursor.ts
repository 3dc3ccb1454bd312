import { Failure } from "./failure.ts";

/** The cursor of a page: the key of its last row, as opaque text. */
export function encodePageCursor(key: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(key)).toString("base64url");
}

/** Throws `request.cursor-invalid` when the text is no cursor of a key with these types. */
export function decodePageCursor<const T extends readonly ("string" | "number")[]>(
  text: string,
  types: T,
): { [K in keyof T]: T[K] extends "string" ? string : number } {
  const key = parse(text);
  const fits =
    Array.isArray(key) &&
    key.length === types.length &&
    key.every((part: unknown, at) => typeof part === types[at] && (typeof part !== "string" || !part.includes("\0")));
  if (!fits) throw new Failure("request.cursor-invalid", "the cursor is not one that a list gave");
  return key as { [K in keyof T]: T[K] extends "string" ? string : number };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString());
  } catch {
    return null;
  }
}
