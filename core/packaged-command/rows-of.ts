import type { PackagedCommand } from "./packaged-command.ts";

export type ResultRow = Readonly<Record<string, string>>;

/** The rows of what a command printed; lines that have another form are left out of tables, never guessed at. */
export function rowsOf({ rows }: Pick<PackagedCommand, "rows">, output: string): readonly ResultRow[] {
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  if (rows.by === "lines") return lines.map((line) => ({ line }));
  if (rows.by === "pairs") {
    return lines.flatMap((line) => {
      const at = line.indexOf(rows.separator);
      if (at < 0) return [];
      return [{ name: line.slice(0, at).trim(), value: line.slice(at + rows.separator.length).trim() }];
    });
  }
  if (rows.by === "tcp-table") return lines.flatMap(socketOf);
  const { columns, skipLines } = rows;
  return lines.slice(skipLines).flatMap((line) => {
    const cells = cut(line.trim(), columns.length);
    return cells.length === columns.length
      ? [Object.fromEntries(columns.map((column, at) => [column, cells[at] ?? ""]))]
      : [];
  });
}

function cut(line: string, count: number): readonly string[] {
  const cells: string[] = [];
  let rest = line;
  while (cells.length < count - 1) {
    const found = /\s+/.exec(rest);
    if (found === null) break;
    cells.push(rest.slice(0, found.index));
    rest = rest.slice(found.index + found[0].length);
  }
  return rest === "" ? cells : [...cells, rest];
}

// include/net/tcp_states.h
const states = [
  "ESTABLISHED",
  "SYN_SENT",
  "SYN_RECV",
  "FIN_WAIT1",
  "FIN_WAIT2",
  "TIME_WAIT",
  "CLOSE",
  "CLOSE_WAIT",
  "LAST_ACK",
  "LISTEN",
  "CLOSING",
  "NEW_SYN_RECV",
];

function socketOf(line: string): readonly ResultRow[] {
  const found =
    /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]{2}) ([0-9A-F]{8}):([0-9A-F]{8}) /.exec(
      line,
    );
  if (found === null) return [];
  const [, local = "", localPort = "", remote = "", remotePort = "", state = "", send = "", receive = ""] = found;
  return [
    {
      local: `${addressOf(local)}:${parseInt(localPort, 16)}`,
      remote: `${addressOf(remote)}:${parseInt(remotePort, 16)}`,
      state: states[parseInt(state, 16) - 1] ?? state,
      sendQueue: String(parseInt(send, 16)),
      receiveQueue: String(parseInt(receive, 16)),
    },
  ];
}

/** Words of 32 bits, each as the machine has it in memory (little-endian here); 8 hexadecimal digits for IPv4, 32 for IPv6. */
function addressOf(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).toReversed());
  const dotted = (four: readonly string[]): string => four.map((byte) => parseInt(byte, 16)).join(".");
  if (bytes.length === 4) return dotted(bytes);
  const groups = Array.from({ length: 8 }, (_, at) => `${bytes[2 * at] ?? ""}${bytes[2 * at + 1] ?? ""}`);
  const mapped = groups.slice(0, 5).every((group) => group === "0000") && groups[5] === "FFFF";
  if (mapped) return dotted(bytes.slice(12));
  return `[${groups.map((group) => group.toLowerCase().replace(/^0{1,3}/, "")).join(":")}]`;
}
