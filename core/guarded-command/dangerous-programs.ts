import { baseName } from "./program-call.ts";

type Text = Readonly<{ en: string; zh: string }>;

// What runs any text that it is given, or gives other rights or another root: no rule about its arguments says what happens.
const groups: readonly Readonly<{ programs: readonly string[]; what: Text }>[] = [
  {
    programs: ["sh", "bash", "ash", "dash", "zsh", "ksh", "mksh", "fish", "csh", "tcsh", "rbash", "pwsh"],
    what: { en: "a shell, which runs what is not seen here", zh: "shell 会执行此处看不到的内容" },
  },
  {
    programs: ["eval", "exec", ".", "source", "trap", "alias", "unalias", "set", "shopt", "enable", "builtin", "hash"],
    what: { en: "it changes what later lines mean", zh: "会改变后续命令的含义" },
  },
  {
    programs: [
      "export",
      "declare",
      "typeset",
      "readonly",
      "local",
      "bind",
      "complete",
      "fc",
      "history",
      "umask",
      "unset",
      "let",
    ],
    what: { en: "it changes what later lines mean", zh: "会改变后续命令的含义" },
  },
  {
    programs: ["mapfile", "readarray", "getopts", "wait", "jobs", "fg", "bg", "disown", "suspend", "ulimit", "compgen"],
    what: { en: "it changes what later lines mean", zh: "会改变后续命令的含义" },
  },
  {
    programs: [
      "python",
      "python2",
      "python3",
      "perl",
      "ruby",
      "node",
      "deno",
      "bun",
      "php",
      "lua",
      "tclsh",
      "expect",
      "gdb",
      "java",
      "jshell",
      "groovy",
      "scala",
      "osascript",
      "m4",
      "make",
      "ed",
      "ex",
      "emacs",
      "nano",
      "ssh",
    ],
    what: { en: "an interpreter, which runs what is not seen here", zh: "解释器会执行此处看不到的内容" },
  },
  {
    programs: ["sudo", "su", "doas", "runuser", "setpriv", "capsh", "chroot", "nsenter", "unshare", "setsid", "newgrp"],
    what: { en: "it takes other rights or leaves the session", zh: "会获取其他权限或脱离会话" },
  },
  {
    programs: [
      "script",
      "screen",
      "tmux",
      "socat",
      "nc",
      "ncat",
      "netcat",
      "telnetd",
      "watch",
      "at",
      "batch",
      "crontab",
    ],
    what: { en: "it runs commands unseen, or later", zh: "会在看不到的地方或稍后执行命令" },
  },
  {
    programs: [
      "parallel",
      "flock",
      "strace",
      "ltrace",
      "perf",
      "ld.so",
      "ld-linux.so",
      "ld-linux-x86-64.so.2",
      "run-parts",
    ],
    what: { en: "it runs another program that is not checked", zh: "会执行未经检查的其他程序" },
  },
];

const byName = new Map(groups.flatMap(({ programs, what }) => programs.map((program) => [program, what] as const)));

/** Why a program has no place in a guarded session whatever the rules say; null when it may have. Versions (`python3.12`) count. */
export function dangerOf(program: string): Text | null {
  const name = baseName(program);
  if (/^ld(?:-.*)?\.so(?:\.\d+)?$/.test(name)) return byName.get("ld.so") ?? null;
  return byName.get(name) ?? byName.get(name.replace(/[-.\d]+$/, "")) ?? null;
}
