import { nowhere } from "../access/nowhere.ts";
import { recordAudit, recordedAudits } from "../audit/record-audit.ts";
import type { Database } from "../database/database.ts";
import { transaction, type ActContext } from "../database/transaction.ts";
import { Failure } from "./failure.ts";
import { claimKey, storeAnswer, storedAnswer, type IdempotentRequest, type StoredAnswer } from "./idempotency.ts";
import type { Route, RouteRequest } from "./route.ts";
import type { Operation } from "@wcs/api";

type ActRoute = Extract<Route, { type: "act" }>;

export type FramedAct = Readonly<{
  database: Database;
  route: ActRoute;
  request: RouteRequest<Operation>;
  context: ActContext;
  idempotent: IdempotentRequest | null;
  dryRun: boolean;
}>;

/** An act's answer, and whether it is the stored one of an earlier request. */
export type FramedAnswer = StoredAnswer & Readonly<{ replayed: boolean }>;

/** The first request with the key has ended meanwhile, and its answer counts. */
class KeyTaken extends Error {}

/** Runs an act once for its Idempotency-Key, in one transaction with its audit and its stored answer. */
export async function runAct(framed: FramedAct): Promise<FramedAnswer> {
  const { database, route, request, context, idempotent, dryRun } = framed;
  const earlier = async (): Promise<FramedAnswer | null> => {
    const stored = idempotent === null ? null : await storedAnswer(database.query, idempotent);
    return stored === null ? null : { ...stored, replayed: true };
  };
  const replay = await earlier();
  if (replay !== null) return replay;
  try {
    const prepared = await route.prepare(request);
    return await transaction(database, { context, dryRun }, async (tx): Promise<FramedAnswer> => {
      // Not waited for: the act's first statement goes out behind it, and what it did is undone if the key was another's.
      const claiming = idempotent === null || dryRun ? null : claimKey(tx.query, idempotent);
      claiming?.catch(() => undefined);
      const requireClaim = async (): Promise<void> => {
        if (claiming !== null && !(await claiming)) throw new KeyTaken();
      };
      let answer: Awaited<ReturnType<ActRoute["handle"]>>;
      try {
        answer = await route.handle(request, tx, prepared);
      } catch (error) {
        await requireClaim();
        throw error;
      }
      await requireClaim();
      const { status, body, version } = answer;
      if (recordedAudits(tx) === 0) throw new Error(`${route.operation.id} left no audit entry; it is undone`);
      const stored = { status, etag: version === undefined ? null : `"${version}"`, body };
      if (idempotent !== null && !dryRun) storeAnswer(tx.send, idempotent, stored);
      return { ...stored, replayed: false };
    });
  } catch (error) {
    if (!(error instanceof KeyTaken)) {
      if (error instanceof Failure && (error.code === "auth.forbidden" || error.code === "access.exceeds-own")) {
        await recordRefusal(framed, error);
      }
      throw error;
    }
  }
  const stored = await earlier();
  if (stored === null) {
    throw new Failure("server.busy", "the first request with this key was undone meanwhile: send it again");
  }
  return stored;
}

/** Somebody tried what they may not do: that is written down as well. */
async function recordRefusal({ database, route, request, context }: FramedAct, error: Failure): Promise<void> {
  const params = (request.params ?? {}) as Readonly<Record<string, string>>;
  await transaction(database, { context }, async (tx) => {
    recordAudit(tx, {
      resource: { kind: route.operation.tag, name: params["name"] ?? params["id"] ?? "" },
      scope: nowhere,
      before: null,
      after: { refused: error.message },
      outcome: "denied",
    });
  });
}
