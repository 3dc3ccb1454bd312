import { LineRefused, type LineTrouble } from "./line-trouble.ts";
import { readTokens, type Token } from "./read-tokens.ts";
import type { Assignment, Branch, Command, CommandList, Loop, Pipeline, Redirection, SimpleCommand } from "./syntax.ts";

const longestLine = 16_384;
const deepest = 16;
const mostCommands = 500;

const opening = new Set(["if", "for", "while", "until"]);
const inner = new Set(["then", "elif", "else", "fi", "do", "done", "in"]);
// Words that start something else in one shell or another.
const unsupported = new Set(["case", "esac", "select", "function", "time", "coproc", "[[", "]]", "{", "}"]);
// No signs that any shell takes for more than themselves. `[` is a program.
const plainName = /^(?:[A-Za-z0-9_./+-]+|\[)$/;

export type ParsedLine =
  | Readonly<{ ok: true; list: CommandList }>
  | Readonly<{ ok: false; trouble: LineTrouble; /** A beginning that more lines can complete. */ isOpen: boolean }>;

/**
 * Reads a line (or several) of shell into a tree. What it can't read, or what dash, bash and busybox read differently, it refuses: a line that
 * is not understood never runs.
 */
export function parseLine(line: string): ParsedLine {
  try {
    if (line.length > longestLine) throw new LineRefused("too-long", longestLine);
    const reader = createReader(readTokens(line), line.length);
    const list = readList(reader, new Set(), 0);
    const left = reader.peek();
    if (left !== undefined) throw new LineRefused("unexpected", left.at);
    return { ok: true, list };
  } catch (error) {
    if (!(error instanceof LineRefused)) throw error;
    const { trouble } = error;
    return { ok: false, trouble, isOpen: trouble.code === "incomplete" || trouble.code === "open-quote" };
  }
}

type Reader = Readonly<{
  end: number;
  peek: () => Token | undefined;
  next: () => Token | undefined;
  /** The unquoted word at the front, when it is one of `words`. */
  peekWord: (words: ReadonlySet<string>) => string | undefined;
  expectWord: (word: string) => void;
  skipNewlines: () => void;
  count: () => void;
}>;

function createReader(tokens: readonly Token[], end: number): Reader {
  let at = 0;
  let commands = 0;
  const peek = (): Token | undefined => tokens[at];
  const peekWord = (words: ReadonlySet<string>): string | undefined => {
    const token = peek();
    return token?.type === "word" && words.has(token.word.raw) ? token.word.raw : undefined;
  };
  return {
    end,
    peek,
    next: () => tokens[at++],
    peekWord,
    expectWord: (word) => {
      const token = tokens[at++];
      if (token === undefined) throw new LineRefused("incomplete", end, 0);
      if (token.type !== "word" || token.word.raw !== word) throw new LineRefused("unexpected", token.at);
    },
    skipNewlines: () => {
      for (let token = peek(); token?.type === "sign" && token.sign === "newline"; token = peek()) at += 1;
    },
    count: () => {
      commands += 1;
      if (commands > mostCommands) throw new LineRefused("too-deep", peek()?.at ?? end);
    },
  };
}

/** Pipelines up to the end, or to one of `closing` where a command could begin. */
function readList(reader: Reader, closing: ReadonlySet<string>, depth: number): CommandList {
  if (depth > deepest) throw new LineRefused("too-deep", reader.peek()?.at ?? reader.end);
  const pipelines: Pipeline[] = [];
  reader.skipNewlines();
  while (reader.peek() !== undefined && reader.peekWord(closing) === undefined) {
    pipelines.push(readPipeline(reader, depth));
    for (let sign = joint(reader); sign !== null; sign = joint(reader)) {
      if (sign === ";" || sign === "newline") {
        reader.skipNewlines();
        break;
      }
      reader.skipNewlines();
      pipelines.push(readPipeline(reader, depth));
    }
    const token = reader.peek();
    if (token?.type === "sign") throw new LineRefused("unexpected", token.at);
  }
  if (closing.size > 0) {
    if (reader.peek() === undefined) throw new LineRefused("incomplete", reader.end, 0);
    if (pipelines.length === 0) throw new LineRefused("unexpected", reader.peek()?.at ?? reader.end);
  }
  return pipelines;
}

/** Takes what joins two pipelines; null when nothing does, which is right only before the end or a closing word. */
function joint(reader: Reader): ";" | "newline" | "&&" | "||" | null {
  const token = reader.peek();
  if (token === undefined) return null;
  if (token.type !== "sign" || token.sign === "|") throw new LineRefused("unexpected", token.at);
  reader.next();
  return token.sign;
}

function readPipeline(reader: Reader, depth: number): Pipeline {
  const negated = reader.peekWord(new Set(["!"])) !== undefined;
  if (negated) reader.next();
  const commands = [readCommand(reader, depth)];
  for (let token = reader.peek(); token?.type === "sign" && token.sign === "|"; token = reader.peek()) {
    reader.next();
    reader.skipNewlines();
    commands.push(readCommand(reader, depth));
  }
  return { negated, commands };
}

function readCommand(reader: Reader, depth: number): Command {
  reader.count();
  const token = reader.peek();
  if (token === undefined) throw new LineRefused("incomplete", reader.end, 0);
  const word = reader.peekWord(opening);
  if (word === undefined) return readSimple(reader);
  reader.next();
  const command =
    word === "if" ? readIf(reader, token.at, depth) : readLoop(reader, { word, at: token.at, depth: depth + 1 });
  const after = reader.peek();
  // A redirection of a whole loop is the next thing that a shell would take.
  if (after?.type === "redirect") throw new LineRefused("redirection", after.at);
  if (after?.type === "word") throw new LineRefused("unexpected", after.at);
  return command;
}

function readIf(reader: Reader, at: number, depth: number): Branch {
  const arms: Branch["arms"][number][] = [];
  let otherwise: CommandList | null = null;
  const readArm = (): void => {
    const condition = readList(reader, new Set(["then"]), depth + 1);
    reader.expectWord("then");
    arms.push({ condition, body: readList(reader, new Set(["elif", "else", "fi"]), depth + 1) });
  };
  readArm();
  while (reader.peekWord(new Set(["elif"])) !== undefined) {
    reader.next();
    readArm();
  }
  if (reader.peekWord(new Set(["else"])) !== undefined) {
    reader.next();
    otherwise = readList(reader, new Set(["fi"]), depth + 1);
  }
  reader.expectWord("fi");
  return { type: "if", at, arms, otherwise };
}

type LoopStart = Readonly<{ word: string; at: number; depth: number }>;

function readLoop(reader: Reader, { word, at, depth }: LoopStart): Loop {
  if (word !== "for") {
    const condition = readList(reader, new Set(["do"]), depth);
    return { type: word === "while" ? "while" : "until", at, condition, body: readBody(reader, depth) };
  }
  const name = reader.next();
  if (name === undefined) throw new LineRefused("incomplete", reader.end, 0);
  if (name.type !== "word" || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name.word.raw)) {
    throw new LineRefused("unexpected", name.at);
  }
  reader.expectWord("in");
  const items = [];
  for (let token = reader.peek(); token?.type === "word"; token = reader.peek()) {
    items.push(token.word);
    reader.next();
  }
  const end = reader.next();
  if (end === undefined) throw new LineRefused("incomplete", reader.end, 0);
  if (end.type !== "sign" || (end.sign !== ";" && end.sign !== "newline")) throw new LineRefused("unexpected", end.at);
  reader.skipNewlines();
  return { type: "for", at, variable: name.word.raw, items, body: readBody(reader, depth) };
}

function readBody(reader: Reader, depth: number): CommandList {
  reader.expectWord("do");
  const body = readList(reader, new Set(["done"]), depth);
  reader.expectWord("done");
  return body;
}

function readSimple(reader: Reader): SimpleCommand {
  const at = reader.peek()?.at ?? reader.end;
  const assignments: Assignment[] = [];
  const words = [];
  const redirections: Redirection[] = [];
  for (let token = reader.peek(); token !== undefined && token.type !== "sign"; token = reader.peek()) {
    reader.next();
    if (token.type === "redirect") {
      redirections.push(readRedirection(reader, token));
      continue;
    }
    const { word } = token;
    const name = /^([A-Za-z_][A-Za-z0-9_]*)=/.exec(word.raw)?.[1];
    if (words.length === 0 && name !== undefined) {
      const length = name.length + 1;
      const value = {
        ...word,
        at: word.at + length,
        raw: word.raw.slice(length),
        value: word.value?.slice(length) ?? null,
        prefix: word.prefix.slice(length),
      };
      assignments.push({ at: word.at, name, value });
      continue;
    }
    if (words.length === 0) requireProgram(word.raw, word.value, word.at);
    words.push(word);
  }
  if (words.length + assignments.length + redirections.length === 0) {
    const token = reader.peek();
    if (token === undefined) throw new LineRefused("incomplete", reader.end, 0);
    throw new LineRefused("unexpected", token.at);
  }
  return { type: "simple", at, assignments, words, redirections };
}

function requireProgram(raw: string, value: string | null, at: number): void {
  if (unsupported.has(raw)) throw new LineRefused("keyword", at, raw.length);
  if (inner.has(raw) || opening.has(raw) || raw === "!") throw new LineRefused("unexpected", at, raw.length);
  const isTest = raw === "[";
  if (!isTest && (value === null || !plainName.test(value))) throw new LineRefused("program-name", at, raw.length);
}

function readRedirection(reader: Reader, token: Extract<Token, { type: "redirect" }>): Redirection {
  const target = reader.next();
  if (target === undefined) throw new LineRefused("incomplete", reader.end, 0);
  if (target.type !== "word") throw new LineRefused("unexpected", target.at);
  const { operator, at } = token;
  const { word } = target;
  // `>&name` is a file to bash and an error to dash; a pattern may name several files to one and none to the other.
  if (operator === ">&" && !/^[12]$/.test(word.raw)) throw new LineRefused("redirection", at, 2);
  if (word.splits) throw new LineRefused("redirection", at, word.raw.length + 1);
  return { at, descriptor: token.descriptor ?? (operator === "<" ? 0 : 1), operator, target: word };
}
