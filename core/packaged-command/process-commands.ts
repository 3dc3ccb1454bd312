import type { PackagedCommand } from "./packaged-command.ts";
import { command, integer, pid } from "./shipped-parts.ts";

/** Processes and the system under them, by what the kernel tells in /proc. */
export const processCommands: readonly PackagedCommand[] = [
  command({
    name: "memory",
    summary: { en: "the memory as the kernel counts it", zh: "内核统计的内存" },
    argv: ["cat", "/proc/meminfo"],
    rows: { by: "pairs", separator: ":" },
    examples: [
      {
        parameters: {},
        argv: ["cat", "/proc/meminfo"],
        output: "MemTotal:  100 kB\n",
        rows: [{ name: "MemTotal", value: "100 kB" }],
      },
    ],
  }),
  command({
    name: "load",
    summary: { en: "the load of the last 1, 5 and 15 minutes", zh: "最近 1、5、15 分钟的负载" },
    argv: ["cat", "/proc/loadavg"],
    rows: { by: "columns", columns: ["minute1", "minutes5", "minutes15", "running", "lastProcess"], skipLines: 0 },
    examples: [
      {
        parameters: {},
        argv: ["cat", "/proc/loadavg"],
        output: "0.10 0.20 0.30 1/200 99\n",
        rows: [{ minute1: "0.10", minutes5: "0.20", minutes15: "0.30", running: "1/200", lastProcess: "99" }],
      },
    ],
  }),
  command({
    name: "pressure",
    summary: { en: "how long processes waited for CPU", zh: "进程等待 CPU 的时间" },
    argv: ["cat", "/proc/pressure/cpu"],
    examples: [
      {
        parameters: {},
        argv: ["cat", "/proc/pressure/cpu"],
        output: "some avg10=0.00 total=9\n",
        rows: [{ line: "some avg10=0.00 total=9" }],
      },
    ],
  }),
  command({
    name: "processes",
    summary: { en: "the processes of the container", zh: "容器内的进程" },
    argv: ["ps", "-o", "pid,ppid,user,rss,etime,args"],
    rows: { by: "columns", columns: ["pid", "parent", "user", "rss", "elapsed", "command"], skipLines: 1 },
    examples: [
      {
        parameters: {},
        argv: ["ps", "-o", "pid,ppid,user,rss,etime,args"],
        output: "PID PPID USER RSS ELAPSED COMMAND\n1 0 app 9000 10:00 java -jar a.jar\n",
        rows: [{ pid: "1", parent: "0", user: "app", rss: "9000", elapsed: "10:00", command: "java -jar a.jar" }],
      },
    ],
  }),
  command({
    name: "process-status",
    summary: { en: "a process's state, threads, memory and capabilities", zh: "进程的状态、线程、内存与权限" },
    argv: ["cat", "/proc/{pid}/status"],
    rows: { by: "pairs", separator: ":" },
    parameters: { pid },
    examples: [
      {
        parameters: {},
        argv: ["cat", "/proc/1/status"],
        output: "Name:\tjava\nThreads:\t7\n",
        rows: [
          { name: "Name", value: "java" },
          { name: "Threads", value: "7" },
        ],
      },
    ],
  }),
  command({
    name: "process-limits",
    summary: { en: "a process's limits", zh: "进程的资源限制" },
    argv: ["cat", "/proc/{pid}/limits"],
    parameters: { pid },
    examples: [
      {
        parameters: { pid: 7 },
        argv: ["cat", "/proc/7/limits"],
        output: "Max open files 1024 1024 files\n",
        rows: [{ line: "Max open files 1024 1024 files" }],
      },
    ],
  }),
  command({
    name: "open-files",
    summary: { en: "the files and sockets that a process has open", zh: "进程打开的文件与套接字" },
    argv: ["ls", "-l", "/proc/{pid}/fd"],
    parameters: { pid },
    examples: [
      {
        parameters: {},
        argv: ["ls", "-l", "/proc/1/fd"],
        output: "total 0\nlrwx------ 1 app app 64 Nov 24 10:00 3 -> socket:[9]\n",
        rows: [{ line: "total 0" }, { line: "lrwx------ 1 app app 64 Nov 24 10:00 3 -> socket:[9]" }],
      },
    ],
  }),
  command({
    name: "clock",
    summary: { en: "the container's time", zh: "容器的时间" },
    argv: ["date", "-u", "+%Y-%m-%dT%H:%M:%SZ"],
    examples: [
      {
        parameters: {},
        argv: ["date", "-u", "+%Y-%m-%dT%H:%M:%SZ"],
        output: "2026-11-24T10:00:00Z\n",
        rows: [{ line: "2026-11-24T10:00:00Z" }],
      },
    ],
  }),
  command({
    name: "system",
    summary: { en: "which distribution the image is of", zh: "镜像的发行版" },
    argv: ["cat", "/etc/os-release"],
    rows: { by: "pairs", separator: "=" },
    examples: [
      {
        parameters: {},
        argv: ["cat", "/etc/os-release"],
        output: "ID=debian\n",
        rows: [{ name: "ID", value: "debian" }],
      },
    ],
  }),
  command({
    name: "stop-process",
    summary: { en: "asks a process to end", zh: "请求进程结束" },
    argv: ["kill", "-s", "{signal}", "{pid}"],
    changes: true,
    parameters: {
      pid: integer("the process's number in the container", "容器内的进程号", { minimum: 2, maximum: 4_194_304 }),
      signal: {
        type: "choice",
        description: { en: "the signal", zh: "信号" },
        values: ["TERM", "HUP", "QUIT", "USR1", "USR2", "INT"],
        default: "TERM",
      },
    },
    examples: [{ parameters: { pid: 17 }, argv: ["kill", "-s", "TERM", "17"], output: "", rows: [] }],
  }),
];
