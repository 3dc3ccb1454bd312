import { baseName, type ProgramCall } from "./program-call.ts";

type Text = Readonly<{ en: string; zh: string }>;
const unknown: Text = { en: "a script that is known only when the line runs", zh: "脚本在执行时才能确定" };

/** Why a program whose arguments are a language of their own (awk, sed, test), or name variables, may not run so; null when it may. */
export function scriptDanger(call: ProgramCall): Text | null {
  const name = baseName(call.program);
  if (name === "sed") return sedDanger(call);
  if (name === "[" || name === "test") return testDanger(call, name === "[");
  if (name === "read") return readDanger(call);
  if (name === "printf") return printfDanger(call);
  if (/^[gmn]?awk$/.test(name)) return awkDanger(call);
  return null;
}

// One substitution, deletion or print, with or without an address. Nothing that reads, writes or runs (POSIX.1-2024 sed; GNU sed 4.9, 6.3: e, r, w, R, W, F).
const address = String.raw`(?:\d+|\$|/(?:[^/\\\n]|\\[^\n])*/)`;
const safeSed = new RegExp(
  String.raw`^(?:${address}(?:,${address})?!?)?\s*(?:[pdq=l]|s([^\w\s\\])(?:(?!\1)[^\\\n]|\\[^\n])*\1(?:(?!\1)[^\\\n]|\\[^\n])*\1[gpiI0-9]*)$`,
);

function sedDanger({ arguments: words, takesMore }: ProgramCall): Text | null {
  let script: string | null = null;
  let takesScript = false;
  for (const word of words) {
    if (script !== null && !takesScript && !word.prefix.startsWith("-") && word.prefix !== "") continue;
    if (word.value === null) return unknown;
    const { value } = word;
    if (takesScript || (script === null && !value.startsWith("-"))) {
      takesScript = false;
      script = value;
      if (!safeSed.test(value)) {
        return {
          en: "of sed, one address with p, d, q or one s/…/…/ is allowed, with nothing that reads, writes or runs",
          zh: "sed 只允许一个地址加 p、d、q 或一个 s/…/…/，不得读写文件或执行命令",
        };
      }
    } else if (value === "-e" || value === "--expression") takesScript = true;
    else if (value.startsWith("-") && !/^-[nErsuz]+$/.test(value) && value !== "--posix") {
      return { en: `sed may not have the option ${value}`, zh: `sed 不允许使用选项 ${value}` };
    }
  }
  return takesMore && script === null ? unknown : null;
}

function awkDanger({ arguments: words, takesMore }: ProgramCall): Text | null {
  for (let index = 0; index < words.length; index += 1) {
    const { value } = words[index] ?? { value: null };
    if (value === null) return unknown;
    if (value === "-F") index += 1;
    else if (/^-F./.test(value)) continue;
    else if (value.startsWith("-")) {
      return { en: `awk may have only the option -F, not ${value}`, zh: `awk 只允许选项 -F，不允许 ${value}` };
    } else {
      // A comparison with > is refused too: telling it from a redirection takes awk's whole grammar.
      if (/system|getline|[|>@]|close|ENVIRON/.test(value)) {
        return {
          en: "an awk program without system, getline, |, > and @ is allowed (turn a > b into b < a)",
          zh: "awk 程序不得含 system、getline、|、>、@（a > b 请写成 b < a）",
        };
      }
      return null;
    }
  }
  return takesMore ? unknown : null;
}

const unary = /^-[abcdefghkLnpOGrsStuwxz]$/;
const binary = /^(?:=|==|!=|-eq|-ne|-lt|-le|-gt|-ge|-nt|-ot|-ef)$/;

/** bash runs what stands in `$(…)` of `[ -v 'a[$(…)]' ]`. With a known operator in its place, no argument can become another one (POSIX.1-2024, test). */
function testDanger({ arguments: words, takesMore }: ProgramCall, isBracket: boolean): Text | null {
  const strange: Text = {
    en: "a test has the form VALUE, -f FILE (or another known letter), or ONE = OTHER, with variables in double quotes",
    zh: "test 只允许：值、-f 文件（或其他已知字母）、甲 = 乙；变量须加双引号",
  };
  const isClosed = !isBracket || words.at(-1)?.value === "]";
  let left = isBracket ? words.slice(0, -1) : words;
  if (takesMore || !isClosed || left.some(({ splits }) => splits)) return strange;
  if (left[0]?.raw === "!") left = left.slice(1);
  const [one, two] = left;
  if (left.length === 1) return null;
  if (left.length === 2 && unary.test(one?.value ?? "")) return null;
  return left.length === 3 && binary.test(two?.value ?? "") ? null : strange;
}

function readDanger({ arguments: words, takesMore }: ProgramCall): Text | null {
  const isPlain = ({ value }: ProgramCall["arguments"][number]): boolean =>
    value !== null && /^(?:-r|[a-z][a-z0-9_]*)$/.test(value);
  if (!takesMore && words.length > 0 && words.every(isPlain)) return null;
  return { en: "read takes -r and names in small letters", zh: "read 只允许 -r 和小写的变量名" };
}

/** bash's `printf -v` sets a variable. */
function printfDanger({ arguments: [format], takesMore }: ProgramCall): Text | null {
  const isPlain = format !== undefined && format.prefix !== "" && !format.prefix.startsWith("-") && !format.splits;
  if (isPlain || (!takesMore && format === undefined)) return null;
  return { en: "printf begins with its format, written out", zh: "printf 的第一个参数须为直接写出的格式" };
}
