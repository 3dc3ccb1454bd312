import type { LineRule } from "./line-policy.ts";
import type { ProgramCall } from "./program-call.ts";
import type { Word } from "./syntax.ts";

/** Whether a rule is about this call; see `LineRule` for what each effect takes for a match. */
export function matchesRule(rule: LineRule, call: ProgramCall): boolean {
  if (!rule.programs.some((program) => program === "*" || program === call.program)) return false;
  return rule.effect === "allow" ? isAllowed(rule, call) : isCaught(rule, call);
}

function isAllowed(rule: LineRule, call: ProgramCall): boolean {
  const isNarrow = rule.arguments !== undefined || rule.options !== undefined;
  if (call.takesMore && (isNarrow || rule.unknownArguments !== true)) return false;
  let optionsOver = false;
  for (const word of call.arguments) {
    if (word.value === "--" && !optionsOver) {
      optionsOver = true;
      continue;
    }
    const isOption = !optionsOver && word.prefix.startsWith("-") && word.prefix !== "-";
    if (isOption) {
      if (rule.options !== undefined && !isListedOption(rule.options, word)) return false;
    } else if (rule.arguments !== undefined) {
      const { value } = word;
      if (value === null || !rule.arguments.some((pattern) => matchesPattern(pattern, value))) return false;
    } else if (isOpen(word) && (rule.unknownArguments !== true || rule.options !== undefined)) {
      // It may turn out to be an option.
      return false;
    }
  }
  return true;
}

function isListedOption(options: readonly string[], { value }: Word): boolean {
  if (value === null) return false;
  if (value.startsWith("--")) return options.includes(value.split("=", 1)[0] ?? "");
  if (options.includes(value)) return true;
  // `-n5` and `-la`: letters that are each listed, then digits.
  const letters = /^-([A-Za-z]+)\d*$/.exec(value)?.[1];
  return letters !== undefined && letters.split("").every((letter) => options.includes(`-${letter}`));
}

function isCaught(rule: LineRule, call: ProgramCall): boolean {
  const patterns = rule.arguments;
  if (patterns === undefined || call.takesMore) return true;
  return call.arguments.some((word) => isOpen(word) || patterns.some((pattern) => mayBe(pattern, word)));
}

/** Whether it may be anything when the line runs, an option too. */
const isOpen = ({ value, splits, prefix }: Word): boolean => value === null && (splits || prefix === "");

function mayBe(pattern: string, word: Word): boolean {
  if (word.value === null) {
    const head = /^-[^-]$/.test(pattern) ? "-" : (pattern.split("*", 1)[0] ?? "");
    return head.startsWith(word.prefix) || word.prefix.startsWith(head);
  }
  const { value } = word;
  if (/^-[^-]$/.test(pattern)) return /^-[^-]/.test(value) && value.includes(pattern[1] ?? "");
  if (pattern.startsWith("--")) {
    const name = value.split("=", 1)[0] ?? "";
    return (name.length > 2 && name.startsWith("--") && pattern.startsWith(name)) || matchesPattern(pattern, value);
  }
  return matchesPattern(pattern, value);
}

/** `*` is any characters; all else is itself. A pattern of a path never matches a path that goes up by `..`. */
export function matchesPattern(pattern: string, value: string): boolean {
  if (pattern.startsWith("/") && /(?:^|\/)\.\.(?:\/|$)/.test(value)) return false;
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return value === first;
  if (!value.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = value.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return value.length - last.length >= at && value.endsWith(last);
}
