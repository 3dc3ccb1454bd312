import { createHash } from "node:crypto";

/** One row of a hash chain as it is stored; `hash` is hexadecimal. `entry` is the text that was hashed. */
export type ChainRow = Readonly<{ chain: number; sequence: number; hash: string; entry: string }>;

/** The last row of a chain. */
export type ChainHead = Readonly<{ chain: number; sequence: number; hash: string }>;

/** What is wrong with a chain, and at which row. */
export type ChainFault = Readonly<{
  chain: number;
  sequence: number;
  fault: "changed" | "removed" | "truncated" | "checkpoint-differs";
  message: string;
}>;

/** The hash before the first row. */
export const chainStart = "00".repeat(32);

/** SHA-256 over the previous hash, the chain (2 bytes), the sequence (8 bytes) and the entry; as the function append_audit computes it. */
export function chainHash(previous: string, row: Readonly<Pick<ChainRow, "chain" | "sequence" | "entry">>): string {
  const place = Buffer.alloc(10);
  place.writeInt16BE(row.chain, 0);
  place.writeBigInt64BE(BigInt(row.sequence), 2);
  return createHash("sha256").update(previous, "hex").update(place).update(row.entry, "utf8").digest("hex");
}

/** Follows a chain row by row, so that a chain of any length is verified in little memory. */
export type ChainVerifier = Readonly<{
  next: (row: ChainRow) => readonly ChainFault[];
  /** The chain's end; names what the checkpoints know and the chain does not have. */
  end: () => readonly ChainFault[];
}>;

/**
 * Verifies one chain; give it the rows in order of their sequence. A changed or reordered row no longer has the hash that follows from
 * the row before it; a removed row leaves a gap; a removed tail is found by the checkpoints, as is a chain that was written anew.
 */
export function verifyChain(chain: number, checkpoints: readonly ChainHead[]): ChainVerifier {
  const signed = new Map(checkpoints.filter((head) => head.chain === chain).map((head) => [head.sequence, head.hash]));
  let previous = chainStart;
  let sequence = 0;
  return {
    next: (row) => {
      const faults: ChainFault[] = [];
      const report = (fault: ChainFault["fault"], at: number, message: string): void => {
        faults.push({ chain, sequence: at, fault, message });
      };
      if (row.sequence !== sequence + 1) {
        const last = row.sequence - 1;
        report("removed", sequence + 1, `rows ${sequence + 1} to ${last} of chain ${chain} are missing`);
        for (const at of signed.keys()) if (at > sequence && at <= last) signed.delete(at);
      } else if (chainHash(previous, row) !== row.hash) {
        report("changed", row.sequence, `row ${row.sequence} of chain ${chain} is not what was written there`);
      }
      const expected = signed.get(row.sequence);
      if (expected !== undefined && expected !== row.hash) {
        report(
          "checkpoint-differs",
          row.sequence,
          `row ${row.sequence} of chain ${chain} differs from its signed checkpoint`,
        );
      }
      signed.delete(row.sequence);
      previous = row.hash;
      sequence = row.sequence;
      return faults;
    },
    end: () => {
      const beyond = [...signed.keys()].filter((at) => at > sequence).sort((a, b) => a - b);
      const last = beyond.at(-1);
      if (last === undefined) return [];
      const message = `rows ${sequence + 1} to at least ${last} of chain ${chain} are missing at its end`;
      return [{ chain, sequence: sequence + 1, fault: "truncated", message }];
    },
  };
}
