import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { OperationAnswer } from "@wcs/api";
import { auditOperations } from "@wcs/api/audit";
import type { ChainHead, ChainRow } from "@wcs/core/audit";
import { principalReach, requirePlatformAccess } from "../access/principal.ts";
import { Failure } from "../http/failure.ts";
import { decodePageCursor, encodePageCursor } from "../http/page-cursor.ts";
import { answer, read } from "../http/route.ts";
import type { Feature, Platform } from "../program/platform.ts";
import { listAudit, readHeads, verifyAudit } from "./audit-store.ts";
import type { Query, Row } from "../database/database.ts";
import { openCheckpointFile, type CheckpointEnd, type CheckpointFile } from "./checkpoint-file.ts";

const [list, verify] = auditOperations;

type Entry = OperationAnswer<typeof list>["items"][number];

/** The audit's list and verification, and the export of signed checkpoints. */
export function createAudit(platform: Platform): Feature {
  const { config, database, state } = platform;
  const path = config.checkpointFile ?? join(state.path, "audit-checkpoints.jsonl");
  const checkpoints = openCheckpointFile(path, join(state.keys, "audit-signing.pem"));
  const exporting = checkpointExport(platform, path, checkpoints);
  let verifying = false;
  return {
    routes: [
      read(list, async ({ query, principal }) => {
        const { limit = 100, cursor, ...filter } = query;
        const before = cursor === undefined ? null : decodePageCursor(cursor, ["string", "number", "number"]);
        const reach = principalReach(principal, "list", "audit");
        const rows = await listAudit(database.query, { filter, before, limit: limit + 1, reach });
        const items = rows.slice(0, limit).map(entryOf);
        const last = items.at(-1);
        const next =
          rows.length > limit && last !== undefined ? encodePageCursor([last.at, last.chain, last.sequence]) : null;
        return answer(200, { items, next });
      }),
      read(verify, async ({ signal, principal }) => {
        // The chains are everybody's: a right bound to one business does not reach them.
        requirePlatformAccess(principal, "verify", "audit");
        if (verifying) throw new Failure("audit.verification-runs", "a verification runs already; wait for it to end");
        verifying = true;
        try {
          const reading = await checkpoints.read(await readEnds(database.query, path));
          const result = await verifyAudit(database.query, reading.heads, signal);
          const faults = [
            ...result.faults,
            ...reading.faults.map(({ line, message }) => {
              return { chain: -1, sequence: line, fault: "checkpoint-invalid" as const, message };
            }),
          ];
          return answer(200, {
            ok: faults.length === 0,
            entries: result.entries,
            heads: [...result.heads],
            checkpoints: reading.count,
            checkpointedUntil: reading.lastAt,
            faults,
            faultsLeftOut: result.faultsLeftOut,
          });
        } finally {
          verifying = false;
        }
      }),
    ],
    run: async (signal) => {
      while (!signal.aborted) {
        await exporting();
        await sleep(config.checkpointIntervalMs, undefined, { signal }).catch(() => undefined);
      }
    },
    finish: exporting,
  };
}

function entryOf({ chain, sequence, hash, entry }: ChainRow): Entry {
  return { chain, sequence, hash, ...(JSON.parse(entry) as Omit<Entry, "chain" | "sequence" | "hash">) };
}

/** The last lines that this machine's file must have. */
async function readEnds(query: Query, path: string): Promise<readonly CheckpointEnd[]> {
  return await query<CheckpointEnd & Row>(
    "SELECT writer, hash FROM audit_checkpoint_ends WHERE host = $1 AND path = $2",
    [hostname(), resolve(path)],
  );
}

/** Every server exports to its own file, without a lease: one that hangs or lies does not keep the others from it. */
function checkpointExport({ database, log }: Platform, path: string, file: CheckpointFile): () => Promise<void> {
  const known = new Map<number, number>();
  return async () => {
    try {
      const heads: readonly ChainHead[] = await readHeads(database.query);
      const moved = heads.filter(({ chain, sequence }) => known.get(chain) !== sequence);
      if (moved.length === 0) return;
      const { writer, hash } = await file.append(new Date().toISOString(), moved);
      // After the line: one that is killed between the two has a line that nobody asks for, which is no fault.
      await database.query(
        `INSERT INTO audit_checkpoint_ends (writer, host, path, hash) VALUES ($1, $2, $3, $4)
         ON CONFLICT (writer) DO UPDATE SET hash = $4, at = now()`,
        [writer, hostname(), resolve(path), hash],
      );
      for (const { chain, sequence } of moved) known.set(chain, sequence);
    } catch (error) {
      log.error({ err: error }, "the audit's checkpoint could not be exported");
    }
  };
}
