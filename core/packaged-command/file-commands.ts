import type { PackagedCommand } from "./packaged-command.ts";
import { command, integer, path, word } from "./shipped-parts.ts";

const seconds30 = 30_000;

/** Files, folders and logs, by coreutils or busybox. */
export const fileCommands: readonly PackagedCommand[] = [
  command({
    name: "disk-use",
    summary: { en: "free and used space of every file system", zh: "各文件系统的空间使用" },
    argv: ["df", "-P", "-k"],
    rows: {
      by: "columns",
      columns: ["filesystem", "kib", "usedKib", "availableKib", "capacity", "mount"],
      skipLines: 1,
    },
    examples: [
      {
        parameters: {},
        argv: ["df", "-P", "-k"],
        output: "Filesystem 1024-blocks Used Available Capacity Mounted on\noverlay 1000 400 600 40% /\n",
        rows: [
          { filesystem: "overlay", kib: "1000", usedKib: "400", availableKib: "600", capacity: "40%", mount: "/" },
        ],
      },
    ],
  }),
  command({
    name: "inode-use",
    summary: { en: "free and used inodes of every file system", zh: "各文件系统的 inode 使用" },
    argv: ["df", "-P", "-i"],
    rows: { by: "columns", columns: ["filesystem", "inodes", "used", "free", "capacity", "mount"], skipLines: 1 },
    examples: [
      {
        parameters: {},
        argv: ["df", "-P", "-i"],
        output: "Filesystem Inodes IUsed IFree IUse% Mounted on\noverlay 10 4 6 40% /\n",
        rows: [{ filesystem: "overlay", inodes: "10", used: "4", free: "6", capacity: "40%", mount: "/" }],
      },
    ],
  }),
  command({
    name: "folder-size",
    summary: { en: "the size of a folder and of those in it", zh: "目录及其子目录的大小" },
    argv: ["du", "-k", "-x", "-d", "{depth}", "{folder}"],
    timeoutMs: seconds30,
    rows: { by: "columns", columns: ["kib", "folder"], skipLines: 0 },
    parameters: {
      folder: path("the folder", "目录"),
      depth: integer("how deep to look", "深度", { minimum: 0, maximum: 5, default: 1 }),
    },
    examples: [
      {
        parameters: { folder: "/data" },
        argv: ["du", "-k", "-x", "-d", "1", "/data"],
        output: "12\t/data/a\n40\t/data\n",
        rows: [
          { kib: "12", folder: "/data/a" },
          { kib: "40", folder: "/data" },
        ],
      },
    ],
  }),
  command({
    name: "list-files",
    summary: { en: "the files of a folder", zh: "目录中的文件" },
    argv: ["ls", "-la", "{folder}"],
    rows: {
      by: "columns",
      columns: ["mode", "links", "user", "group", "bytes", "month", "day", "time", "name"],
      skipLines: 0,
    },
    parameters: { folder: path("the folder", "目录") },
    examples: [
      {
        parameters: { folder: "/data" },
        argv: ["ls", "-la", "/data"],
        output: "total 8\n-rw-r--r-- 1 app app 12 Nov 24 10:00 a b.log\n",
        rows: [
          {
            mode: "-rw-r--r--",
            links: "1",
            user: "app",
            group: "app",
            bytes: "12",
            month: "Nov",
            day: "24",
            time: "10:00",
            name: "a b.log",
          },
        ],
      },
    ],
  }),
  command({
    name: "file-head",
    summary: { en: "the first lines of a file", zh: "文件的开头几行" },
    argv: ["head", "-n", "{lines}", "{file}"],
    parameters: {
      file: path("the file", "文件"),
      lines: integer("how many lines", "行数", { minimum: 1, maximum: 10_000, default: 50 }),
    },
    examples: [
      {
        parameters: { file: "/data/a.log", lines: 2 },
        argv: ["head", "-n", "2", "/data/a.log"],
        output: "a\nb\n",
        rows: [{ line: "a" }, { line: "b" }],
      },
    ],
  }),
  command({
    name: "log-tail",
    summary: { en: "the last lines of a file", zh: "文件的最后几行" },
    argv: ["tail", "-n", "{lines}", "{file}"],
    parameters: {
      file: path("the file", "文件"),
      lines: integer("how many lines", "行数", { minimum: 1, maximum: 10_000, default: 100 }),
    },
    examples: [
      {
        parameters: { file: "/data/a.log" },
        argv: ["tail", "-n", "100", "/data/a.log"],
        output: "a\n",
        rows: [{ line: "a" }],
      },
    ],
  }),
  command({
    name: "log-search",
    summary: { en: "the lines of a file that contain a text", zh: "文件中包含某文本的行" },
    argv: ["grep", "-F", "-n", "-m", "{most}", "-e", "{text}", "{file}"],
    timeoutMs: seconds30,
    goodExitCodes: [1],
    rows: { by: "pairs", separator: ":" },
    parameters: {
      file: path("the file", "文件"),
      text: word("text", { en: "the text", zh: "文本" }, 200),
      most: integer("at most so many lines", "最多行数", { minimum: 1, maximum: 100_000, default: 1000 }),
    },
    examples: [
      {
        parameters: { file: "/data/a.log", text: "out of memory" },
        argv: ["grep", "-F", "-n", "-m", "1000", "-e", "out of memory", "/data/a.log"],
        output: "7:out of memory\n",
        rows: [{ name: "7", value: "out of memory" }],
      },
    ],
  }),
  command({
    name: "log-match",
    summary: { en: "the lines of a file that match a regular expression", zh: "文件中匹配正则表达式的行" },
    argv: ["grep", "-E", "-n", "-m", "{most}", "-e", "{pattern}", "{file}"],
    timeoutMs: seconds30,
    goodExitCodes: [1],
    rows: { by: "pairs", separator: ":" },
    parameters: {
      file: path("the file", "文件"),
      pattern: word("text", { en: "the regular expression", zh: "正则表达式" }, 200),
      most: integer("at most so many lines", "最多行数", { minimum: 1, maximum: 100_000, default: 1000 }),
    },
    examples: [
      {
        parameters: { file: "/data/a.log", pattern: "ERR(OR)?" },
        argv: ["grep", "-E", "-n", "-m", "1000", "-e", "ERR(OR)?", "/data/a.log"],
        output: "7:ERROR x\n",
        rows: [{ name: "7", value: "ERROR x" }],
      },
    ],
  }),
  command({
    name: "log-count",
    summary: { en: "how many lines of a file contain a text", zh: "文件中包含某文本的行数" },
    argv: ["grep", "-F", "-c", "-e", "{text}", "{file}"],
    timeoutMs: seconds30,
    goodExitCodes: [1],
    parameters: { file: path("the file", "文件"), text: word("text", { en: "the text", zh: "文本" }, 200) },
    examples: [
      {
        parameters: { file: "/data/a.log", text: "x" },
        argv: ["grep", "-F", "-c", "-e", "x", "/data/a.log"],
        output: "12\n",
        rows: [{ line: "12" }],
      },
    ],
  }),
  command({
    name: "file-checksum",
    summary: { en: "the SHA-256 of a file", zh: "文件的 SHA-256" },
    argv: ["sha256sum", "{file}"],
    timeoutMs: seconds30,
    rows: { by: "columns", columns: ["sha256", "file"], skipLines: 0 },
    parameters: { file: path("the file", "文件") },
    examples: [
      {
        parameters: { file: "/data/a" },
        argv: ["sha256sum", "/data/a"],
        output: "abc  /data/a\n",
        rows: [{ sha256: "abc", file: "/data/a" }],
      },
    ],
  }),
  command({
    name: "mounts",
    summary: { en: "what is mounted where", zh: "挂载点" },
    argv: ["cat", "/proc/mounts"],
    rows: { by: "columns", columns: ["device", "folder", "type", "options", "rest"], skipLines: 0 },
    examples: [
      {
        parameters: {},
        argv: ["cat", "/proc/mounts"],
        output: "overlay / overlay rw 0 0\n",
        rows: [{ device: "overlay", folder: "/", type: "overlay", options: "rw", rest: "0 0" }],
      },
    ],
  }),
];
