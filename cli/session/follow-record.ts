import type { Client } from "@wcs/api";
import { readSessionRecord, sessionOperations, type RecordEntry } from "@wcs/api/session";

const record = sessionOperations[4];

/** A session's entries from its beginning to its end; throws when the record is not whole. */
export async function* followRecord(
  client: Client,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<RecordEntry, void> {
  const { body } = await client.open(record, { params: { id }, signal });
  if (body === null) throw new Error("the server sent no record");
  yield* readSessionRecord(body);
}

/** Writes bytes as they are, and waits when nobody takes them. */
export function writeBytes(to: NodeJS.WriteStream, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    to.write(bytes, (error) => {
      // Who closed the pipe wants no more (`| head`).
      if (error && (error as NodeJS.ErrnoException).code !== "EPIPE") reject(error);
      else resolve();
    });
  });
}

/** How a session ended, as its last entry says. */
export type SessionExit = Readonly<{ code: number | null; reason: string | null }>;

export const exitOf = ({ data }: RecordEntry): SessionExit => JSON.parse(data) as SessionExit;
