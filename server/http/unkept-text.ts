/** Text that no record can keep: where it is, as a JSON pointer, and what is wrong with it. */
export type UnkeptText = Readonly<{ pointer: string; message: string }>;

/**
 * The first text of a JSON value, name of a member or value, that can't be kept: a lone surrogate is no Unicode (RFC 8785 refuses it, and UTF-8 can't
 * say it), and PostgreSQL's text has no U+0000 (PostgreSQL 18, 8.14). JSON can write both by escapes.
 */
export function unkeptText(value: unknown, pointer = ""): UnkeptText | null {
  if (typeof value === "string") {
    const problem = problemOf(value);
    return problem === null ? null : { pointer, message: problem };
  }
  if (typeof value !== "object" || value === null) return null;
  for (const [key, member] of Object.entries(value)) {
    const problem = problemOf(key);
    if (problem !== null) return { pointer, message: `the name of a member ${problem}` };
    const found = unkeptText(member, `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`);
    if (found !== null) return found;
  }
  return null;
}

function problemOf(text: string): string | null {
  if (!text.isWellFormed()) return "has a lone surrogate, which is no Unicode text: write the whole character";
  if (text.includes("\0")) return "has the character U+0000, which can't be kept: leave it out";
  return null;
}
