import type { SimpleCommand, Word } from "./syntax.ts";

/** A program that a line starts, by itself or through another one (`timeout 5 ls`). */
export type ProgramCall = Readonly<{
  at: number;
  /** As typed: a name, or a path with a slash. */
  program: string;
  arguments: readonly Word[];
  /** Whether more arguments come that the line does not show, as xargs adds. */
  takesMore: boolean;
}>;

/** Where an inner program can't be told. `reason` is shown. */
export type HiddenCall = Readonly<{ at: number; length: number; reason: Readonly<{ en: string; zh: string }> }>;

/** The programs that a simple command starts, in order, or the first that can't be told. */
export function callsOf(command: SimpleCommand): readonly (ProgramCall | HiddenCall)[] {
  const [first, ...rest] = command.words;
  if (first === undefined) return [];
  return expand({ at: first.at, program: first.value ?? first.raw, arguments: rest, takesMore: false }, 0);
}

const deepest = 5;
// POSIX.1-2024 and GNU coreutils 9.7, findutils 4.10: the options before the inner program; `true` takes a value.
const wrappers: Readonly<Record<string, Readonly<{ options: Readonly<Record<string, boolean>>; skip: number }>>> = {
  command: { options: { "-v": false, "-V": false }, skip: 0 },
  nohup: { options: {}, skip: 0 },
  nice: { options: { "-n": true }, skip: 0 },
  ionice: { options: { "-c": true, "-n": true, "-t": false }, skip: 0 },
  timeout: { options: { "-k": true, "-s": true, "--preserve-status": false, "--foreground": false }, skip: 1 },
  stdbuf: { options: { "-i": true, "-o": true, "-e": true }, skip: 0 },
  env: { options: { "-i": false, "-u": true }, skip: 0 },
  xargs: {
    options: { "-0": false, "-r": false, "-t": false, "-n": true, "-L": true, "-P": true, "-d": true, "-s": true },
    skip: 0,
  },
  busybox: { options: {}, skip: 0 },
  toybox: { options: {}, skip: 0 },
};

function expand(call: ProgramCall, depth: number): readonly (ProgramCall | HiddenCall)[] {
  const name = baseName(call.program);
  if (name === "find") return [call, ...insideFind(call, depth)];
  const wrapper = Object.hasOwn(wrappers, name) ? wrappers[name] : undefined;
  if (wrapper === undefined) return [call];
  if (depth >= deepest) return [hidden(call.at, 1, "programs within programs, too deep", "程序嵌套层数过多")];
  const inner = innerCall(call, wrapper);
  return "reason" in inner ? [inner] : expand(inner, depth + 1);
}

/** The last part of a path. */
export const baseName = (program: string): string => program.slice(program.lastIndexOf("/") + 1);

function innerCall(
  call: ProgramCall,
  { options, skip }: Readonly<{ options: Readonly<Record<string, boolean>>; skip: number }>,
): ProgramCall | HiddenCall {
  const words = call.arguments;
  const isXargs = baseName(call.program) === "xargs";
  let index = 0;
  for (; index < words.length; index += 1) {
    const word = words[index];
    if (word === undefined || word.value === null) break;
    if (word.value === "--") {
      index += 1;
      break;
    }
    if (!word.value.startsWith("-")) break;
    const short = word.value.slice(0, 2);
    const takesValue = Object.hasOwn(options, word.value) ? options[word.value] : undefined;
    // `-n1` is `-n 1`.
    if (takesValue === undefined && Object.hasOwn(options, short) && options[short] === true) continue;
    if (takesValue === undefined) {
      const { en, zh } = {
        en: `an option of ${call.program} that is not known here`,
        zh: `${call.program} 的未知选项`,
      };
      return hidden(word.at, word.raw.length, en, zh);
    }
    if (takesValue) index += 1;
  }
  // env's assignments change how the inner program works as much as the shell's do.
  const assignment = baseName(call.program) === "env" ? words[index] : undefined;
  if (assignment?.prefix.includes("=") === true) {
    return hidden(assignment.at, assignment.raw.length, "a variable set by env", "由 env 设置的变量");
  }
  for (let skipped = 0; skipped < skip; skipped += 1, index += 1) {
    const word = words[index];
    if (word !== undefined && word.value === null) {
      return hidden(word.at, word.raw.length, "a value that is known only when the line runs", "执行时才能确定的值");
    }
  }
  const program = words[index];
  if (program === undefined) {
    // `xargs` alone is `xargs echo`; the others print something or do nothing.
    return { ...call, program: isXargs ? "echo" : "true", arguments: [], takesMore: true };
  }
  if (program.value === null) {
    const { en, zh } = { en: "a program that is known only when the line runs", zh: "执行时才能确定的程序" };
    return hidden(program.at, program.raw.length, en, zh);
  }
  const takesMore = call.takesMore || isXargs;
  return { at: program.at, program: program.value, arguments: words.slice(index + 1), takesMore };
}

// GNU findutils 4.10, find(1): what starts a program, and what writes or removes.
const findStarts = new Set(["-exec", "-execdir", "-ok", "-okdir"]);

function insideFind(call: ProgramCall, depth: number): readonly (ProgramCall | HiddenCall)[] {
  const found: (ProgramCall | HiddenCall)[] = [];
  const words = call.arguments;
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index];
    if (word?.value === null || word?.value === undefined || !findStarts.has(word.value)) continue;
    // A `+` ends it only after `{}`; taking any for the end could only show more programs.
    const end = words.findIndex(({ value }, at) => at > index && (value === ";" || value === "+"));
    const inner = words.slice(index + 1, end < 0 ? words.length : end);
    const [program, ...rest] = inner;
    if (program?.value === null || program?.value === undefined || program.value.includes("{}")) {
      const { en, zh } = { en: "a program that is known only when find runs it", zh: "find 执行时才能确定的程序" };
      found.push(hidden(word.at, word.raw.length, en, zh));
    } else {
      const args = rest.map((arg) => (arg.value?.includes("{}") === true ? { ...arg, value: null, prefix: "" } : arg));
      found.push(...expand({ at: program.at, program: program.value, arguments: args, takesMore: true }, depth + 1));
    }
  }
  return found;
}

const hidden = (at: number, length: number, en: string, zh: string): HiddenCall => ({ at, length, reason: { en, zh } });
