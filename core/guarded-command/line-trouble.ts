type Text = Readonly<{ en: string; zh: string }>;

/** Why a line can't be read, and what to do instead. */
export type TroubleCode = keyof typeof troubles;

/** Where in the line, in UTF-16 code units, and what about it. */
export type LineTrouble = Readonly<{ code: TroubleCode; at: number; length: number }>;

export const troubles = {
  "too-long": {
    what: { en: "the line is longer than 16,384 characters", zh: "命令行超过 16384 个字符" },
    instead: { en: "split it, or copy a file in with `wcs cp`", zh: "请拆分，或用 `wcs cp` 传入文件" },
  },
  "too-deep": {
    what: { en: "the line is nested too deeply, or has too many commands", zh: "命令嵌套过深或命令过多" },
    instead: { en: "split it into several lines", zh: "请拆成多行" },
  },
  "control-character": {
    what: {
      en: "a control, invisible or direction-changing character",
      zh: "含有控制字符、不可见字符或改变文字方向的字符",
    },
    instead: { en: "type the line without it", zh: "请去掉该字符后重新输入" },
  },
  "open-quote": {
    what: { en: "a quotation mark that is not closed", zh: "引号没有闭合" },
    instead: { en: "close it", zh: "请闭合引号" },
  },
  "bare-backslash": {
    what: { en: "a backslash at the end of a line", zh: "行尾的反斜杠" },
    instead: { en: "type the command in one line", zh: "请把命令写在一行里" },
  },
  substitution: {
    what: { en: "a command inside another one: `…`, $(…), <(…)", zh: "命令替换：`…`、$(…)、<(…)" },
    instead: {
      en: "run the inner command by itself, then use what it printed",
      zh: "请先单独执行内层命令，再使用其输出",
    },
  },
  expansion: {
    what: { en: "an expansion other than $name, ${name}, $? and $$", zh: "$name、${name}、$?、$$ 以外的展开" },
    instead: { en: "write the value itself", zh: "请直接写出值" },
  },
  braces: {
    what: { en: "braces, which shells read in different ways", zh: "花括号在不同的 shell 中含义不同" },
    instead: { en: "write the words one by one, or put them in quotes", zh: "请逐个写出，或加引号" },
  },
  parentheses: {
    what: { en: "parentheses: a subshell, a function or an array", zh: "圆括号：子 shell、函数或数组" },
    instead: {
      en: "write the commands one after another, or quote the character",
      zh: "请依次写出命令，或给括号加引号",
    },
  },
  background: {
    what: { en: "`&`: a command that would outlive its line", zh: "`&`：命令会在后台继续运行" },
    instead: { en: "run it in the foreground, or open a second session", zh: "请在前台运行，或另开一个会话" },
  },
  "here-document": {
    what: { en: "text given in the line (<<)", zh: "行内文本（<<）" },
    instead: { en: "copy a file in with `wcs cp`", zh: "请用 `wcs cp` 传入文件" },
  },
  redirection: {
    what: { en: "a redirection other than <, >, >>, 2>, 2>> and 2>&1", zh: "<、>、>>、2>、2>>、2>&1 以外的重定向" },
    instead: { en: "use one of those", zh: "请使用上述形式" },
  },
  keyword: {
    what: { en: "a construct that guarded sessions don't have", zh: "受控会话不支持的语法" },
    instead: { en: "use if, for, while or until", zh: "请使用 if、for、while、until" },
  },
  "program-name": {
    what: {
      en: "a program's name that is not plain: known only when the line runs, or with special characters",
      zh: "程序名不是普通文字：执行时才能确定，或含有特殊字符",
    },
    instead: { en: "write the name itself", zh: "请直接写出程序名" },
  },
  incomplete: {
    what: { en: "the line ends before the command does", zh: "命令不完整" },
    instead: { en: "complete it", zh: "请补全命令" },
  },
  unexpected: {
    what: { en: "a word or sign that can't stand here", zh: "此处不应出现的词或符号" },
    instead: { en: "check the line up to there", zh: "请检查此处之前的内容" },
  },
} as const satisfies Readonly<Record<string, Readonly<{ what: Text; instead: Text }>>>;

/** Thrown inside the parser only. */
export class LineRefused extends Error {
  readonly trouble: LineTrouble;

  constructor(code: TroubleCode, at: number, length = 1) {
    super(code);
    this.trouble = { code, at, length };
  }
}
