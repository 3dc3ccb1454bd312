import { dangerOf } from "./dangerous-programs.ts";
import type { LinePolicy, LineRule } from "./line-policy.ts";
import { troubles } from "./line-trouble.ts";
import { matchesRule } from "./match-rule.ts";
import { parseLine } from "./parse-line.ts";
import { callsOf, type ProgramCall } from "./program-call.ts";
import { scriptDanger } from "./script-danger.ts";
import type { Assignment, CommandList, Redirection, SimpleCommand } from "./syntax.ts";

type Text = Readonly<{ en: string; zh: string }>;

/** One thing that a line may not do, or that a colleague must agree to. Places in UTF-16 code units of the line. */
export type Finding = Readonly<{
  at: number;
  length: number;
  effect: "ask" | "deny";
  rule: string;
  what: Text;
  instead: Text;
}>;

/** What happens with a line. `programs` are all that it can start, in the order they are written. */
export type LineVerdict =
  | Readonly<{ effect: "allow"; programs: readonly string[]; needsTerminal: boolean; findings: readonly [] }>
  | Readonly<{ effect: "ask"; programs: readonly string[]; needsTerminal: boolean; findings: readonly Finding[] }>
  | Readonly<{ effect: "deny"; /** More lines could complete it. */ isOpen: boolean; findings: readonly Finding[] }>;

// Lower-case names are the person's own; upper-case ones steer programs (PATH, LD_PRELOAD, PAGER). These do no harm.
const harmlessVariables: ReadonlySet<string> = new Set(["TZ", "LANG", "LC_ALL", "COLUMNS", "LINES"]);

/** Whether a line may run, needs a colleague's yes, or is refused and why. Everything that is wrong is told at once. */
export function checkLine(line: string, policy: LinePolicy): LineVerdict {
  const parsed = parseLine(line);
  if (!parsed.ok) {
    const { code, at, length } = parsed.trouble;
    const { what, instead } = troubles[code];
    const finding = { at, length, effect: "deny", rule: "syntax", what, instead } as const;
    return { effect: "deny", isOpen: parsed.isOpen, findings: [finding] };
  }
  const findings: Finding[] = [];
  const programs: string[] = [];
  let needsTerminal = false;
  walk(parsed.list, policy, findings, (command) => {
    findings.push(...command.assignments.flatMap(checkAssignment));
    findings.push(...command.redirections.flatMap((redirection) => checkRedirection(redirection, policy)));
    for (const call of callsOf(command)) {
      if ("reason" in call) {
        findings.push({ ...call, effect: "deny", rule: "hidden program", what: call.reason, instead: writeItOut });
        continue;
      }
      programs.push(call.program);
      const { finding, terminal } = checkCall(call, policy);
      if (finding !== null) findings.push(finding);
      needsTerminal ||= terminal;
    }
  });
  findings.sort((a, b) => a.at - b.at);
  if (findings.some(({ effect }) => effect === "deny")) return { effect: "deny", isOpen: false, findings };
  if (findings.length > 0) return { effect: "ask", programs, needsTerminal, findings };
  return { effect: "allow", programs, needsTerminal, findings: [] };
}

const writeItOut: Text = { en: "write the program and its arguments out", zh: "请直接写出程序及其参数" };
const usePackaged: Text = {
  en: "look for a packaged command (`wcs run --list`), or ask for a grant",
  zh: "请查找现成的命令（`wcs run --list`），或申请授权",
};

function walk(
  list: CommandList,
  policy: LinePolicy,
  findings: Finding[],
  visit: (command: SimpleCommand) => void,
): void {
  for (const command of list.flatMap(({ commands }) => commands)) {
    if (command.type === "simple") {
      visit(command);
      continue;
    }
    if (command.type === "if") {
      for (const { condition, body } of command.arms) {
        walk(condition, policy, findings, visit);
        walk(body, policy, findings, visit);
      }
      if (command.otherwise !== null) walk(command.otherwise, policy, findings, visit);
      continue;
    }
    if (!policy.loops) {
      const what = { en: "your role may not use loops", zh: "您的角色不能使用循环" };
      findings.push({
        at: command.at,
        length: command.type.length,
        effect: "deny",
        rule: "loops",
        what,
        instead: usePackaged,
      });
    }
    if (command.type === "for") findings.push(...checkVariable(command.variable, command.at));
    else walk(command.condition, policy, findings, visit);
    walk(command.body, policy, findings, visit);
  }
}

const checkAssignment = ({ name, at }: Assignment): readonly Finding[] => checkVariable(name, at);

function checkVariable(name: string, at: number): readonly Finding[] {
  if (/^[a-z][a-z0-9_]*$/.test(name) || harmlessVariables.has(name)) return [];
  const what = { en: `the variable ${name} may steer programs`, zh: `变量 ${name} 可能影响程序的行为` };
  const instead = { en: "use a name in small letters", zh: "请使用小写的变量名" };
  return [{ at, length: name.length, effect: "deny", rule: "variables", what, instead }];
}

function checkRedirection({ at, operator, target }: Redirection, policy: LinePolicy): readonly Finding[] {
  if (operator === "<" || operator === ">&") return [];
  const path = target.value;
  if (path === "/dev/null") return [];
  const isInside =
    path !== null &&
    !/(?:^|\/)\.\.?(?:\/|$)/.test(path) &&
    policy.writableFolders.some((folder) => path.startsWith(folder.endsWith("/") ? folder : `${folder}/`));
  if (isInside) return [];
  const where = policy.writableFolders.join(", ");
  const what = { en: `the file ${target.raw} may not be written`, zh: `不能写入文件 ${target.raw}` };
  const instead =
    where === ""
      ? { en: "look at the output here, or take it with `wcs exec`", zh: "请直接查看输出，或用 `wcs exec` 取得" }
      : { en: `write a file by its whole path in ${where}`, zh: `请用完整路径写入 ${where}` };
  return [{ at, length: target.at + target.raw.length - at, effect: "deny", rule: "writing", what, instead }];
}

type Checked = Readonly<{ finding: Finding | null; terminal: boolean }>;

function checkCall(call: ProgramCall, policy: LinePolicy): Checked {
  const { at, program } = call;
  const place = { at, length: program.length };
  const refuse = (rule: string, what: Text, instead: Text = usePackaged): Checked => ({
    finding: { ...place, effect: "deny", rule, what, instead },
    terminal: false,
  });
  const danger = dangerOf(program);
  if (danger !== null) return refuse("dangerous programs", prefixed(program, danger));
  const script = scriptDanger(call);
  if (script !== null) return refuse("scripts", prefixed(program, script));
  const matching = policy.rules.filter((rule) => matchesRule(rule, call));
  const byEffect = (effect: LineRule["effect"]): LineRule | undefined =>
    matching.find((rule) => rule.effect === effect);
  const denying = byEffect("deny");
  if (denying !== undefined) {
    const what = {
      en: `${program} is forbidden by the rule "${denying.name}"`,
      zh: `规则“${denying.name}”禁止 ${program}`,
    };
    return refuse(denying.name, what, denying.instead);
  }
  const asking = byEffect("ask");
  const terminal = matching.some((rule) => rule.terminal === true);
  if (asking !== undefined) {
    const what = {
      en: `${program} needs a colleague's yes (rule "${asking.name}")`,
      zh: `${program} 需要同事批准（规则“${asking.name}”）`,
    };
    const instead = asking.instead ?? { en: "ask a colleague", zh: "请同事批准" };
    return { finding: { ...place, effect: "ask", rule: asking.name, what, instead }, terminal };
  }
  if (byEffect("allow") !== undefined) return { finding: null, terminal };
  const isKnown = policy.rules.some(({ effect, programs }) => effect === "allow" && programs.includes(program));
  return isKnown
    ? refuse(
        "arguments",
        {
          en: `no rule allows ${program} with these arguments`,
          zh: `没有规则允许以这些参数执行 ${program}`,
        },
        writeItOut,
      )
    : refuse("default", { en: `no rule allows ${program}`, zh: `没有规则允许 ${program}` });
}

const prefixed = (program: string, { en, zh }: Text): Text => ({ en: `${program}: ${en}`, zh: `${program}：${zh}` });
