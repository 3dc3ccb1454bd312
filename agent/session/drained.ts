import type { Writable } from "node:stream";

/** Resolves when the stream takes more, or takes nothing any more. */
export function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ["drain", "close", "error"] as const) stream.off(event, done);
      resolve();
    };
    for (const event of ["drain", "close", "error"] as const) stream.once(event, done);
    if (stream.destroyed) done();
  });
}
