import { LineRefused } from "./line-trouble.ts";
import type { Word } from "./syntax.ts";

/** A sign of the shell's grammar, or a word. */
export type Token =
  | Readonly<{ type: "sign"; at: number; sign: ";" | "|" | "&&" | "||" | "newline" }>
  | Readonly<{ type: "redirect"; at: number; descriptor: number | null; operator: "<" | ">" | ">>" | ">&" }>
  | Readonly<{ type: "word"; at: number; word: Word }>;

// C0 and C1 controls but tab and newline; zero-width, direction-changing and tag characters; unpaired surrogates; spaces that look like a space.
const forbidden =
  /(?![\t\n])\p{Cc}|[\u00a0\u00ad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\ufff9-\uffff\ud800-\udfff\u{e0000}-\u{e007f}]/u;

const nameStart = /[A-Za-z_]/;
const wordEnd = new Set([" ", "\t", "\n", ";", "|", "&", "<", ">", "(", ")"]);

/**
 * Cuts a line into words and signs the way POSIX shells do (POSIX.1-2024, XCU 2.3), and refuses whatever dash, bash and busybox read in
 * different ways, or hides a command. Throws `LineRefused`.
 */
export function readTokens(line: string): readonly Token[] {
  const bad = forbidden.exec(line);
  if (bad !== null) throw new LineRefused("control-character", bad.index);
  const tokens: Token[] = [];
  let at = 0;
  while (at < line.length) {
    const sign = line[at] ?? "";
    const two = line.slice(at, at + 2);
    if (sign === " " || sign === "\t") at += 1;
    else if (sign === "#") while (at < line.length && line[at] !== "\n") at += 1;
    else if (sign === "\n") {
      tokens.push({ type: "sign", at, sign: "newline" });
      at += 1;
    } else if (two === "&&" || two === "||") {
      tokens.push({ type: "sign", at, sign: two });
      at += 2;
    } else if (two === "&>" || two === "|&") throw new LineRefused("redirection", at, 2);
    else if (sign === "&") throw new LineRefused("background", at);
    else if (sign === ";" || sign === "|") {
      tokens.push({ type: "sign", at, sign });
      at += 1;
    } else if (sign === "(" || sign === ")") throw new LineRefused("parentheses", at);
    else if (sign === "<" || sign === ">") {
      const token = readRedirect(line, { at, from: at, descriptor: null });
      tokens.push(token);
      at = token.end;
    } else {
      const word = readWord(line, at);
      const end = at + word.raw.length;
      const next = line[end];
      if (/^[0-9]+$/.test(word.raw) && (next === "<" || next === ">")) {
        // dash takes one digit for a descriptor, bash takes more.
        if (word.raw.length > 1 || word.raw > "2") throw new LineRefused("redirection", at, word.raw.length + 1);
        const token = readRedirect(line, { at: end, from: at, descriptor: Number(word.raw) });
        tokens.push(token);
        at = token.end;
      } else {
        tokens.push({ type: "word", at, word });
        at = end;
      }
    }
  }
  return tokens;
}

function readRedirect(
  line: string,
  { at, from, descriptor }: Readonly<{ at: number; from: number; descriptor: number | null }>,
): Extract<Token, { type: "redirect" }> & Readonly<{ end: number }> {
  const two = line.slice(at, at + 2);
  if (two === "<<") throw new LineRefused("here-document", at, 2);
  if (two === "<(" || two === ">(") throw new LineRefused("substitution", at, 2);
  if (two === "<&" || two === "<>" || two === ">|") throw new LineRefused("redirection", at, 2);
  const operator = two === ">>" || two === ">&" ? two : line[at] === "<" ? "<" : ">";
  const end = at + operator.length;
  if (operator === ">>" && (line[end] === ">" || line[end] === "&" || line[end] === "(")) {
    throw new LineRefused("redirection", at, 3);
  }
  return { type: "redirect", at: from, descriptor, operator, end };
}

function readWord(line: string, start: number): Word {
  const state = { value: "", known: true, prefix: "", splits: false, variables: [] as string[] };
  const add = (text: string): void => {
    state.value += text;
    if (state.known) state.prefix += text;
  };
  const variable = (name: string, isQuoted: boolean): void => {
    state.known = false;
    state.variables.push(name);
    if (!isQuoted) state.splits = true;
  };
  let at = start;
  while (at < line.length && !wordEnd.has(line[at] ?? "")) {
    const sign = line[at] ?? "";
    if (sign === "'") {
      const end = line.indexOf("'", at + 1);
      if (end < 0) throw new LineRefused("open-quote", at);
      add(line.slice(at + 1, end));
      at = end + 1;
    } else if (sign === '"') at = readDoubleQuoted(line, at, { add, variable });
    else if (sign === "\\") {
      if (at + 1 >= line.length || line[at + 1] === "\n") throw new LineRefused("bare-backslash", at);
      const escaped = String.fromCodePoint(line.codePointAt(at + 1) ?? 0);
      add(escaped);
      at += 1 + escaped.length;
    } else if (sign === "`") throw new LineRefused("substitution", at);
    else if (sign === "$") at = readDollar(line, at, { add, variable, isQuoted: false });
    else if (sign === "{" || sign === "}") {
      // `{}` alone is no brace group in any shell, and find and xargs take it.
      const isPair = at === start && line.startsWith("{}", at) && isEnd(line, at + 2);
      if (!isPair) throw new LineRefused("braces", at);
      add("{}");
      at += 2;
    } else if (sign === "*" || sign === "?" || sign === "[") {
      state.known = false;
      at += 1;
    } else if (sign === "~" && (at === start || /[:=]/.test(line[at - 1] ?? ""))) {
      if (!isEnd(line, at + 1) && line[at + 1] !== "/") throw new LineRefused("expansion", at);
      state.known = false;
      at += 1;
    } else {
      const text = String.fromCodePoint(line.codePointAt(at) ?? 0);
      add(text);
      at += text.length;
    }
  }
  const { value, known, prefix, splits, variables } = state;
  return { at: start, raw: line.slice(start, at), value: known ? value : null, prefix, splits, variables };
}

type Parts = Readonly<{ add: (text: string) => void; variable: (name: string, isQuoted: boolean) => void }>;

function readDoubleQuoted(line: string, start: number, parts: Parts): number {
  let at = start + 1;
  parts.add("");
  while (line[at] !== '"') {
    const sign = line[at];
    if (sign === undefined) throw new LineRefused("open-quote", start);
    if (sign === "`") throw new LineRefused("substitution", at);
    if (sign === "$") at = readDollar(line, at, { ...parts, isQuoted: true });
    else if (sign === "\\" && /[$`"\\]/.test(line[at + 1] ?? "")) {
      parts.add(line[at + 1] ?? "");
      at += 2;
    } else if (sign === "\\" && line[at + 1] === "\n") throw new LineRefused("bare-backslash", at);
    else {
      const text = String.fromCodePoint(line.codePointAt(at) ?? 0);
      parts.add(text);
      at += text.length;
    }
  }
  return at + 1;
}

function readDollar(line: string, at: number, parts: Parts & Readonly<{ isQuoted: boolean }>): number {
  const next = line[at + 1] ?? "";
  if (next === "(") throw new LineRefused("substitution", at, 2);
  if (next === "?" || next === "$") {
    parts.variable(next, parts.isQuoted);
    return at + 2;
  }
  if (next === "{") {
    const name = /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}/.exec(line.slice(at, at + 260))?.[1];
    if (name === undefined) throw new LineRefused("expansion", at, 2);
    parts.variable(name, parts.isQuoted);
    return at + name.length + 3;
  }
  if (nameStart.test(next)) {
    const name = /^[A-Za-z0-9_]+/.exec(line.slice(at + 1))?.[0] ?? "";
    parts.variable(name, parts.isQuoted);
    return at + 1 + name.length;
  }
  // $1, $@, $*, $#, $!, $-, $[…], and unquoted $'…' and $"…".
  if (/[0-9@*#!\-[]/.test(next) || (!parts.isQuoted && /['"]/.test(next))) throw new LineRefused("expansion", at, 2);
  parts.add("$");
  return at + 1;
}

const isEnd = (line: string, at: number): boolean => at >= line.length || wordEnd.has(line[at] ?? "");
