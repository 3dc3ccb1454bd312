import type { PackagedCommand } from "./packaged-command.ts";
import { command, integer, path, pid, word } from "./shipped-parts.ts";

const seconds30 = 30_000;

/** What operators do daily, all of it with what images have: the kernel's files, coreutils or busybox, and a JDK's own tools. */
export const shippedCommands: readonly PackagedCommand[] = [
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
    name: "connections",
    summary: { en: "the TCP sockets over IPv4", zh: "IPv4 的 TCP 连接" },
    argv: ["cat", "/proc/net/tcp"],
    rows: { by: "tcp-table" },
    examples: [
      {
        parameters: {},
        argv: ["cat", "/proc/net/tcp"],
        output:
          "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when\n   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000\n",
        rows: [{ local: "127.0.0.1:8080", remote: "0.0.0.0:0", state: "LISTEN", sendQueue: "0", receiveQueue: "0" }],
      },
    ],
  }),
  command({
    name: "connections-6",
    summary: { en: "the TCP sockets over IPv6", zh: "IPv6 的 TCP 连接" },
    argv: ["cat", "/proc/net/tcp6"],
    rows: { by: "tcp-table" },
    examples: [
      {
        parameters: {},
        argv: ["cat", "/proc/net/tcp6"],
        output:
          "   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000001 00:00000000\n   1: 0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000200007F:0051 01 00000000:00000000 00:00000000\n",
        rows: [
          {
            local: "[0:0:0:0:0:0:0:1]:8080",
            remote: "[0:0:0:0:0:0:0:0]:0",
            state: "LISTEN",
            sendQueue: "0",
            receiveQueue: "1",
          },
          { local: "127.0.0.1:8080", remote: "127.0.0.2:81", state: "ESTABLISHED", sendQueue: "0", receiveQueue: "0" },
        ],
      },
    ],
  }),
  command({
    name: "socket-counts",
    summary: { en: "how many sockets of each kind there are", zh: "各类套接字的数量" },
    argv: ["cat", "/proc/net/sockstat"],
    rows: { by: "pairs", separator: ":" },
    examples: [
      {
        parameters: {},
        argv: ["cat", "/proc/net/sockstat"],
        output: "TCP: inuse 3\n",
        rows: [{ name: "TCP", value: "inuse 3" }],
      },
    ],
  }),
  command({
    name: "network-counters",
    summary: { en: "bytes, packets and errors of every NIC", zh: "各网卡的流量与错误" },
    argv: ["cat", "/proc/net/dev"],
    rows: { by: "pairs", separator: ":" },
    examples: [
      {
        parameters: {},
        argv: ["cat", "/proc/net/dev"],
        output: "Inter-| Receive\n  eth0: 1 2 0\n",
        rows: [{ name: "eth0", value: "1 2 0" }],
      },
    ],
  }),
  command({
    name: "addresses",
    summary: { en: "the addresses of every NIC", zh: "各网卡的地址" },
    argv: ["ip", "-o", "addr", "show"],
    rows: { by: "columns", columns: ["index", "nic", "family", "address", "rest"], skipLines: 0 },
    examples: [
      {
        parameters: {},
        argv: ["ip", "-o", "addr", "show"],
        output: "2: eth0 inet 10.71.1.100/24 scope global\n",
        rows: [{ index: "2:", nic: "eth0", family: "inet", address: "10.71.1.100/24", rest: "scope global" }],
      },
    ],
  }),
  command({
    name: "routes",
    summary: { en: "the routes", zh: "路由" },
    argv: ["ip", "route", "show"],
    examples: [
      {
        parameters: {},
        argv: ["ip", "route", "show"],
        output: "default via 10.71.1.254 dev eth0\n",
        rows: [{ line: "default via 10.71.1.254 dev eth0" }],
      },
    ],
  }),
  command({
    name: "neighbours",
    summary: { en: "who answered for which address on the rack", zh: "同机架的邻居表" },
    argv: ["ip", "neigh", "show"],
    examples: [
      {
        parameters: {},
        argv: ["ip", "neigh", "show"],
        output: "10.71.1.254 dev eth0 lladdr 02:00:00:00:00:01 REACHABLE\n",
        rows: [{ line: "10.71.1.254 dev eth0 lladdr 02:00:00:00:00:01 REACHABLE" }],
      },
    ],
  }),
  command({
    name: "resolve",
    summary: { en: "what a name resolves to", zh: "域名解析结果" },
    argv: ["getent", "hosts", "{name}"],
    goodExitCodes: [2],
    rows: { by: "columns", columns: ["address", "names"], skipLines: 0 },
    parameters: { name: word("host", { en: "the name", zh: "域名" }, 253) },
    examples: [
      {
        parameters: { name: "db.bank.example" },
        argv: ["getent", "hosts", "db.bank.example"],
        output: "10.71.1.11 db.bank.example\n",
        rows: [{ address: "10.71.1.11", names: "db.bank.example" }],
      },
    ],
  }),
  command({
    name: "ping",
    summary: { en: "whether a host answers", zh: "主机是否可达" },
    argv: ["ping", "-c", "{count}", "-W", "2", "{host}"],
    timeoutMs: seconds30,
    goodExitCodes: [1],
    parameters: {
      host: word("host", { en: "the host", zh: "主机" }, 253),
      count: integer("how many times", "次数", { minimum: 1, maximum: 10, default: 3 }),
    },
    examples: [
      {
        parameters: { host: "10.71.1.254" },
        argv: ["ping", "-c", "3", "-W", "2", "10.71.1.254"],
        output: "3 packets transmitted, 3 received\n",
        rows: [{ line: "3 packets transmitted, 3 received" }],
      },
    ],
  }),
  command({
    name: "dns-config",
    summary: { en: "where names are asked for", zh: "DNS 配置" },
    argv: ["cat", "/etc/resolv.conf"],
    rows: { by: "pairs", separator: " " },
    examples: [
      {
        parameters: {},
        argv: ["cat", "/etc/resolv.conf"],
        output: "nameserver 10.0.0.2\n",
        rows: [{ name: "nameserver", value: "10.0.0.2" }],
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
    name: "java-processes",
    summary: { en: "the Java virtual machines", zh: "Java 虚拟机" },
    argv: ["jcmd", "-l"],
    rows: { by: "columns", columns: ["pid", "class"], skipLines: 0 },
    examples: [
      { parameters: {}, argv: ["jcmd", "-l"], output: "1 app.Main\n", rows: [{ pid: "1", class: "app.Main" }] },
    ],
  }),
  command({
    name: "java-threads",
    summary: { en: "a thread dump with the locks", zh: "带锁信息的线程转储" },
    argv: ["jcmd", "{pid}", "Thread.print", "-l"],
    timeoutMs: seconds30,
    maxOutputBytes: 16_777_216,
    parameters: { pid },
    examples: [
      {
        parameters: {},
        argv: ["jcmd", "1", "Thread.print", "-l"],
        output: '"main" #1\n',
        rows: [{ line: '"main" #1' }],
      },
    ],
  }),
  command({
    name: "java-heap-histogram",
    summary: { en: "the classes that use most of the heap", zh: "占用堆最多的类" },
    argv: ["jcmd", "{pid}", "GC.class_histogram"],
    timeoutMs: seconds30,
    maxOutputBytes: 16_777_216,
    rows: { by: "columns", columns: ["rank", "instances", "bytes", "class"], skipLines: 3 },
    parameters: { pid },
    examples: [
      {
        parameters: {},
        argv: ["jcmd", "1", "GC.class_histogram"],
        output:
          "1:\n num     #instances         #bytes  class name (module)\n-----\n   1:            10            200  [B (java.base)\n",
        rows: [{ rank: "1:", instances: "10", bytes: "200", class: "[B (java.base)" }],
      },
    ],
  }),
  command({
    name: "java-heap",
    summary: { en: "the heap's use", zh: "堆的使用" },
    argv: ["jcmd", "{pid}", "GC.heap_info"],
    parameters: { pid },
    examples: [
      {
        parameters: {},
        argv: ["jcmd", "1", "GC.heap_info"],
        output: "1:\n garbage-first heap total 10K, used 5K\n",
        rows: [{ line: "1:" }, { line: " garbage-first heap total 10K, used 5K" }],
      },
    ],
  }),
  command({
    name: "java-gc",
    summary: { en: "garbage collection, sampled", zh: "垃圾回收采样" },
    argv: ["jstat", "-gcutil", "{pid}", "{intervalMs}", "{count}"],
    timeoutMs: 60_000,
    parameters: {
      pid,
      intervalMs: integer("between two samples, ms", "采样间隔（毫秒）", {
        minimum: 100,
        maximum: 5000,
        default: 1000,
      }),
      count: integer("how many samples", "采样次数", { minimum: 1, maximum: 10, default: 5 }),
    },
    examples: [
      {
        parameters: {},
        argv: ["jstat", "-gcutil", "1", "1000", "5"],
        output: "S0 S1\n0.0 9.9\n",
        rows: [{ line: "S0 S1" }, { line: "0.0 9.9" }],
      },
    ],
  }),
  command({
    name: "java-flags",
    summary: { en: "the options that the JVM runs with", zh: "JVM 运行参数" },
    argv: ["jcmd", "{pid}", "VM.flags"],
    parameters: { pid },
    examples: [
      {
        parameters: {},
        argv: ["jcmd", "1", "VM.flags"],
        output: "1:\n-XX:+UseG1GC\n",
        rows: [{ line: "1:" }, { line: "-XX:+UseG1GC" }],
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
