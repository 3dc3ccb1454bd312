import type { PackagedCommand } from "./packaged-command.ts";
import { command, integer, word } from "./shipped-parts.ts";

const seconds30 = 30_000;

/** Addresses, sockets and names, by the kernel's tables, iproute2 and libc. */
export const networkCommands: readonly PackagedCommand[] = [
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
];
