import type { PlacementAnswer, PlacementRequest } from "@wcs/core/placement";
import type { Query, Row } from "../database/database.ts";

/** A decision as it was stored. `question` and `answer` are the letters of their JSON; `parts`: what picture-parts.ts wrote. */
export type StoredDecision = Readonly<{
  id: number;
  at: string;
  request: string;
  engine: string;
  question: string;
  answer: string;
  parts: Buffer;
}>;

export async function insertDecision(
  query: Query,
  decision: Readonly<{
    request: string;
    engine: string;
    question: PlacementRequest;
    answer: PlacementAnswer;
    parts: Buffer;
  }>,
): Promise<void> {
  const { request, engine, question, answer, parts } = decision;
  await query(
    "INSERT INTO placement_decisions (request, engine, question, answer, parts) VALUES ($1, $2, $3, $4, $5)",
    [request, engine, JSON.stringify(question), JSON.stringify(answer), parts],
  );
}

/** The last decision made for a request; null when there is none. */
export async function lastDecision(query: Query, request: string): Promise<StoredDecision | null> {
  const [row] = await query<Row & Omit<StoredDecision, "at"> & Readonly<{ at: Date }>>(
    `SELECT id, at, request, engine, question, answer, parts FROM placement_decisions
     WHERE request = $1 ORDER BY id DESC LIMIT 1`,
    [request],
  );
  return row === undefined ? null : { ...row, at: row.at.toISOString() };
}
