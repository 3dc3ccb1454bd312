/** What an instance's name can be made of. */
export type NameParts = Readonly<{
  /** The subsystem's id: four digits. */
  subsystem: string;
  /** The name of the subsystem's system, a DNS label. */
  system: string;
  /** The DCN's id: three characters. */
  dcn: string;
  /** The environment's name, a DNS label. */
  environment: string;
  /** The instance's first address, IPv4. Null before one is promised. */
  ip: string | null;
}>;

type Placeholder = keyof NameParts | "nn";
type Piece = Readonly<{ literal: string } | { placeholder: Placeholder }>;
export type NamePattern = Readonly<{ text: string; pieces: readonly Piece[] }>;

export const defaultNamePattern = "{subsystem}-{dcn}-{nn}";

/**
 * A StatefulSet's pods carry the label `controller-revision-hash: <name>-<10 characters>`, and a label's value has at most 63
 * (kubernetes/kubernetes#64023), so a name can have 52.
 */
export const maxNameLength = 52;

/** How many dashes the text of a placeholder holds: null when that differs from one value to another. */
const dashes: Readonly<Record<Placeholder, number | null>> = {
  subsystem: 0,
  system: null,
  dcn: 0,
  environment: null,
  ip: 3,
  nn: 0,
};

/**
 * Reads a pattern such as `{subsystem}-{dcn}-{nn}` or `{system}-{ip}`. A pattern is refused when two different instances could get one name
 * from it: it needs what tells instances of a subsystem in a DCN apart, what tells subsystems apart, and dashes between its
 * placeholders, at most one of which may itself hold any number of dashes. So a name can be taken apart again in one way only.
 */
export function parseNamePattern(text: string): { pattern: NamePattern } | { problem: string } {
  const pieces: Piece[] = [];
  for (const part of text.split(/(\{[^{}]*\})/).filter((part) => part !== "")) {
    if (!part.startsWith("{")) {
      if (!/^[a-z0-9-]+$/.test(part)) {
        return { problem: `"${part}" may hold only lower-case letters, digits and dashes` };
      }
      pieces.push({ literal: part });
      continue;
    }
    const placeholder = part.slice(1, -1);
    if (!(placeholder in dashes)) {
      const known = Object.keys(dashes).map((name) => `{${name}}`);
      return { problem: `{${placeholder}} is not known; known are ${known.join(", ")}` };
    }
    pieces.push({ placeholder: placeholder as Placeholder });
  }
  const problem = ambiguity(pieces);
  return problem === null ? { pattern: { text, pieces } } : { problem };
}

function ambiguity(pieces: readonly Piece[]): string | null {
  const used = pieces.flatMap((piece) => ("placeholder" in piece ? [piece.placeholder] : []));
  if (new Set(used).size !== used.length) return "a placeholder may stand in it once only";
  const has = (placeholder: Placeholder) => used.includes(placeholder);
  if (!has("ip") && !(has("nn") && has("dcn") && has("subsystem"))) {
    return "it needs {ip}, or {nn} with {dcn} and {subsystem}: else two instances could get one name";
  }
  if (used.filter((placeholder) => dashes[placeholder] === null).length > 1) {
    return "only one of {system} and {environment} may stand in it, since both may hold dashes";
  }
  for (const [index, piece] of pieces.entries()) {
    const following = pieces[index + 1];
    if (following === undefined) continue;
    const separated =
      ("literal" in piece && piece.literal.endsWith("-")) ||
      ("literal" in following && following.literal.startsWith("-"));
    if (!separated) return "a dash must stand between one part and the next";
  }
  const first = pieces[0];
  const last = pieces.at(-1);
  if (first === undefined || last === undefined) return "it is empty";
  if (("literal" in first && first.literal.startsWith("-")) || ("literal" in last && last.literal.endsWith("-"))) {
    return "a name may not begin or end with a dash";
  }
  return null;
}

/** True when the pattern numbers the instances of a DCN. */
function isNumbered(pattern: NamePattern): boolean {
  return holds(pattern, "nn");
}

/** True when an instance has its name only after its address. */
export function holdsAddress(pattern: NamePattern): boolean {
  return holds(pattern, "ip");
}

function holds(pattern: NamePattern, placeholder: Placeholder): boolean {
  return pattern.pieces.some((piece) => "placeholder" in piece && piece.placeholder === placeholder);
}

/** The name that a pattern gives, or why it gives none. `number` is used by `{nn}` only. */
export function renderName(
  pattern: NamePattern,
  parts: NameParts,
  number: number,
): { name: string } | { problem: string } {
  if (parts.ip === null && holdsAddress(pattern)) {
    return { problem: `the pattern ${pattern.text} needs the instance's IP, and it has none yet` };
  }
  const name = pattern.pieces
    .map((piece) => ("literal" in piece ? piece.literal : textOf(piece.placeholder, parts, number)))
    .join("");
  if (name.length > maxNameLength) {
    return { problem: `${name} has ${name.length} characters; an instance's name may have ${maxNameLength}` };
  }
  if (!/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(name)) {
    return { problem: `${name} is not a DNS label (lower-case letters, digits and dashes, no dash at an end)` };
  }
  return { name };
}

function textOf(placeholder: Placeholder, parts: NameParts, number: number): string {
  if (placeholder === "nn") return String(number).padStart(2, "0");
  if (placeholder === "ip") return (parts.ip ?? "").replaceAll(".", "-");
  return parts[placeholder].toLowerCase();
}

/**
 * Names for new instances of one subsystem in one DCN, one for each of `parts`, none of them in `taken`. Numbers go up from
 * `afterNumber`, the highest that this subsystem ever used in this DCN, so that a retired instance's name is not used again. Where the address
 * is what tells instances apart, one that gets a retired instance's address gets its name with `-2`, `-3` and so on.
 */
export function nameInstances(input: {
  pattern: NamePattern;
  parts: readonly NameParts[];
  taken: ReadonlySet<string>;
  afterNumber: number;
}): { names: readonly { name: string; number: number }[] } | { problem: string } {
  const taken = new Set(input.taken);
  const names: { name: string; number: number }[] = [];
  let number = input.afterNumber;
  for (const parts of input.parts) {
    number += 1;
    let rendered = renderName(input.pattern, parts, number);
    while ("name" in rendered && taken.has(rendered.name) && isNumbered(input.pattern)) {
      number += 1;
      rendered = renderName(input.pattern, parts, number);
    }
    if ("problem" in rendered) return rendered;
    const name = notTaken(rendered.name, taken);
    if (name.length > maxNameLength) {
      return { problem: `${name} has ${name.length} characters; an instance's name may have ${maxNameLength}` };
    }
    taken.add(name);
    names.push({ name, number });
  }
  return { names };
}

function notTaken(name: string, taken: ReadonlySet<string>): string {
  let free = name;
  for (let turn = 2; taken.has(free); turn += 1) free = `${name}-${turn}`;
  return free;
}
